import { sh, waits, type Fragment } from '@skerry/steps';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isLost } from '../objects/lost-api.ts';
import { probeNamespace } from './probe-image.ts';

const kubectl = `
export KUBECONFIG=/etc/kubernetes/admin.conf
command -v kubectl >/dev/null || { echo 'kubectl is missing' >&2; exit 1; }
`;

/** Gone as soon as the set-up is taken away: one that was cut off then ends, wherever it stands. */
const marker = '/run/skerry/verification';

/**
 * `Node lab-1 on= ready=Unknown`, which is what the controller of nodes says of one whose kubelet is silent;
 * `Pod probe-x on=lab-1 ready=False ImagePullBackOff`.
 */
const lines =
  '{range .items[*]}{.kind} {.metadata.name} on={.spec.nodeName} ready={.status.conditions[?(@.type=="Ready")].status} {.status.containerStatuses[*].state.waiting.reason}{"\\n"}{end}';

/**
 * Removes what an earlier run left, makes the objects and waits until the pods are ready, at most
 * `seconds`; no longer where an image cannot be had, nor for pods on nodes that are lost. Exits 0 also where
 * some are not ready: that is for the checks to tell.
 */
export function setUpFragment(objects: readonly KubernetesObject[], seconds: number): Fragment {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  return sh(
    `${kubectl}${isLost.trim()}
namespace=$1
objects=$2
marker=${marker}
mkdir -p "\${marker%/*}" && : >"$marker" || exit
end=$(($(date +%s) + $3))
# persist COMMAND…: again while the API is lost and there is time; what it said at last is in said.
persist() {
  until said=$("$@" 2>&1 >/dev/null); do
    is_lost "$said" && [ -e "$marker" ] && [ "$(date +%s)" -lt "$end" ] || return
    sleep 2
  done
}
fail() { printf '%s\\n' "$said" >&2; exit 1; }
remove() { kubectl delete namespace "$namespace" --ignore-not-found --wait --timeout="$1"; }
# The objects are our own and well known: to check them kubectl would ask for the schemas of all types.
create() { printf '%s\\n' "$objects" | kubectl create --validate=false -f -; }
# Mostly nothing is left of an earlier run.
if ! create >/dev/null 2>&1; then
  if ! persist remove 30s; then
    # Pods on a node that is lost end only by force. They are our own and hold nothing.
    persist kubectl -n "$namespace" delete pods --all --force --grace-period=0 --wait=false || fail
    persist remove "$3s" || fail
  fi
  [ -e "$marker" ] || exit
  if ! persist create; then
    # An attempt whose answer was lost has made them.
    case $said in *'AlreadyExists'*) ;; *) fail ;; esac
  fi
fi
# Whether no pod is awaited but those on nodes whose kubelet is silent.
only_on_lost() {
  printf '%s\\n' "$state" | awk '
    $1 == "Node" { silent["on=" $2] = $4 == "ready=Unknown" }
    $1 == "Pod" && $4 != "ready=True" { if (silent[$3]) lost = 1; else others = 1 }
    END { exit !lost || others }'
}
shift 3
printf '${waits.begins}the probe pods are ready\\n'
for workload; do
  alone=0
  until kubectl -n "$namespace" rollout status "$workload" --timeout=10s >/dev/null 2>&1; do
    [ -e "$marker" ] && [ "$(date +%s)" -lt "$end" ] || break 2
    state=$(kubectl -n "$namespace" get nodes,pods -o 'jsonpath=${lines}') || break 2
    case $state in
      *ErrImage*|*ImagePull*|*InvalidImageName*) break 2 ;;
    esac
    # Twice: pods of other nodes may not have been made yet.
    if only_on_lost; then alone=$((alone + 1)); else alone=0; fi
    [ "$alone" -lt 2 ] || break
  done
done
printf '${waits.ends}the probe pods\\n'
exit 0
`,
    probeNamespace,
    JSON.stringify(list),
    String(seconds),
    ...objects.flatMap(({ kind, metadata }) => {
      const { name } = metadata as { readonly name: string };
      return kind === 'DaemonSet' || kind === 'Deployment' ? [`${kind}/${name}`.toLowerCase()] : [];
    }),
  );
}

/** Does not wait until all is gone: the next run does. */
export const tearDownFragment: Fragment = sh(
  `${kubectl}rm -f ${marker}
kubectl delete namespace "$1" --ignore-not-found --wait=false >/dev/null`,
  probeNamespace,
);

/** Stands between answers of one fragment. */
export const separator = '=====';

/**
 * Nodes, Services and EndpointSlices; the pods of the probes; and with `speakers` the DaemonSet of
 * MetalLB's speaker with its pods.
 */
export function readFragment({ speakers }: { readonly speakers: boolean }): Fragment {
  return sh(
    `${kubectl}
kubectl get nodes,services,endpointslices.discovery.k8s.io --all-namespaces -o json || exit
printf '%s\\n' "$2"
kubectl -n "$1" get pods -o json || exit
[ "$3" = yes ] || exit 0
printf '%s\\n' "$2"
kubectl -n metallb-system get daemonsets.apps,pods -l app=metallb,component=speaker -o json
`,
    probeNamespace,
    separator,
    speakers ? 'yes' : 'no',
  );
}
