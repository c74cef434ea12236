import {
  sh,
  textDiff,
  type Change,
  type Step,
  type StepKind,
  type StepOptions,
} from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  node: z.string(),
  /** Init and ClusterConfiguration of kubeadm as YAML: all that the static pods follow from. */
  configuration: z.string(),
  /** What the manifest of etcd follows from, as a text: the others are written more often. */
  etcd: z.string(),
  /**
   * What the Deployment of CoreDNS follows from beside the version, as a text; '' where that is another
   * host's business: it is one for the cluster.
   */
  coredns: z.string().default(''),
  /** Patches of kubeadm as a text: what kubeadm writes follows from them, too. */
  patches: z.string().default(''),
  /** Names and addresses that the certificate of the API server must hold. */
  certSANs: z.array(z.string()),
  /** Seconds that one component may take to be ready again. */
  patience: z.int().default(300),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly exists: boolean;
  /** What the static pods were made from when they were last written by us; undefined: never. */
  readonly recorded: string | undefined;
  /** Components whose manifest is not as it was then. */
  readonly drifted: readonly string[];
}

const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** What is recorded on the host: a comment line cannot be mistaken for YAML of kubeadm. */
const recordOf = ({ configuration, patches }: Desired): string =>
  patches === '' ? configuration : `${configuration}# patches\n${patches}`;

const probe = `
static=/etc/kubernetes/manifests state=/var/lib/skerry/control-plane
[ -e "$static/kube-apiserver.yaml" ] || { echo absent; exit; }
echo present
if [ -r "$state/record" ]; then
  for name in ${components.join(' ')}; do
    sum=$(sha256sum <"$static/$name.yaml" 2>/dev/null)
    [ "$sum" = "$(cat "$state/$name.sha256" 2>/dev/null)" ] || printf 'drifted %s\\n' "$name"
  done
  echo recorded
  cat "$state/record"
fi
`;

// The hash that the kubelet gives the mirror pod tells one life of a static pod from the next.
const converge = `
node=$1 configuration=$2 record=$3 etcd=$4 coredns=$5 patience=$6; shift 6
static=/etc/kubernetes/manifests state=/var/lib/skerry/control-plane pki=/etc/kubernetes/pki
components='${components.join(' ')}'
fail() { printf '%s\\n' "$*" >&2; exit 1; }
[ -e "$static/kube-apiserver.yaml" ] || fail 'there is no control plane here'
umask 077
mkdir -p "$state/before" /run/skerry || exit 1
file=$(mktemp /run/skerry/control-plane.XXXXXX) || exit 1
trap 'rm -f "$file"' EXIT
printf '%s' "$configuration" >"$file" || exit 1
pods() {
  kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s -n kube-system get pods -l tier=control-plane \\
    --field-selector "spec.nodeName=$node" -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.kubernetes\\.io/config\\.hash} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}' 2>/dev/null
}
lacks_name() {
  names=$(openssl x509 -noout -ext subjectAltName -in "$pki/apiserver.crt" 2>/dev/null) || return 0
  names=$(printf '%s' "$names" | tr -d ' ' | tr ',' '\\n')
  for name; do
    printf '%s\\n' "$names" | grep -qixF -e "DNS:$name" -e "IPAddress:$name" || return 0
  done
  return 1
}
for name in $components; do
  cp "$static/$name.yaml" "$state/before/$name.yaml" || exit 1
done
lives=$(pods)
if lacks_name "$@"; then
  echo 'The certificate of the API server is made anew.'
  for end in crt key; do mv "$pki/apiserver.$end" "$state/before/apiserver.$end" || exit 1; done
  kubeadm init phase certs apiserver --config "$file" || {
    for end in crt key; do mv "$state/before/apiserver.$end" "$pki/apiserver.$end"; done
    fail 'the certificate of the API server could not be made; the old one is back'
  }
  rm -f "$state/before/apiserver.crt" "$state/before/apiserver.key"
fi
back() {
  for name in $components; do
    cmp -s "$state/before/$name.yaml" "$static/$name.yaml" || cp "$state/before/$name.yaml" "$static/$name.yaml"
  done
  fail "$* The static pods are as they were before."
}
kubeadm init phase control-plane all --config "$file" || back 'kubeadm could not write the static pods.'
if [ -e "$state/etcd" ]; then
  if [ "$(cat "$state/etcd")" != "$etcd" ] || [ "$(sha256sum <"$static/etcd.yaml")" != "$(cat "$state/etcd.sha256" 2>/dev/null)" ]; then
    kubeadm init phase etcd local --config "$file" || back 'kubeadm could not write the static pod of etcd.'
  fi
fi
for name in $components; do
  cmp -s "$state/before/$name.yaml" "$static/$name.yaml" && continue
  echo "Waiting for $name on $node."
  before=$(printf '%s\\n' "$lives" | sed -n "s/^$name-$node \\([^ ]*\\) .*/\\1/p")
  began=$(date +%s)
  while :; do
    now=$(pods | sed -n "s/^$name-$node //p")
    took=$(($(date +%s) - began))
    case $now in
      "$before "*True) [ "$took" -lt 120 ] || break ;;
      *True) break ;;
    esac
    [ "$took" -lt "$patience" ] || back "$name did not become ready within $patience s."
    sleep 2
  done
done
if [ -n "$coredns" ] && [ -e "$state/record" ] && [ "$(cat "$state/coredns" 2>/dev/null)" != "$coredns" ]; then
  echo 'The Deployment of CoreDNS is written anew.'
  kubeadm init phase addon coredns --config "$file" || fail 'kubeadm could not write the Deployment of CoreDNS: the next apply tries it again'
fi
if [ -n "$coredns" ]; then printf '%s' "$coredns" >"$state/coredns" || exit 1; fi
for name in $components; do sha256sum <"$static/$name.yaml" >"$state/$name.sha256" || exit 1; done
printf '%s' "$etcd" >"$state/etcd" && printf '%s' "$record" >"$state/record.new" && mv "$state/record.new" "$state/record"
`;

/**
 * The static pods of a control plane and the certificate of its API server, as kubeadm makes them
 * from its configuration: kubeadm itself never looks at them again. When one does not become ready,
 * all are put back. The first control plane has CoreDNS written anew when a patch of it changes.
 */
export const controlPlaneKind: StepKind<Desired, Observed> = {
  kind: 'controlPlane',
  schema,
  summary: ({ node }) => `static pods of ${node}`,
  probe: () => sh(probe),
  parse: ({ stdout }) => {
    const [head, rest] = split(stdout, 'recorded\n');
    const lines = head.split('\n');
    if (lines[0] !== 'present' && lines[0] !== 'absent') throw new Error('the answer is cut off');
    return {
      exists: lines[0] === 'present',
      recorded: rest,
      drifted: lines
        .filter((line) => line.startsWith('drifted '))
        .map((line) => line.slice('drifted '.length)),
    };
  },
  diff: (desired, { exists, recorded, drifted }) => {
    const subject = `control plane of ${desired.node}`;
    const wanted = recordOf(desired);
    if (!exists || recorded === undefined) {
      return [{ subject, action: 'run', after: 'as the inventory has it' }];
    }
    const changes: Change[] = drifted.map((name) => ({
      subject: `/etc/kubernetes/manifests/${name}.yaml`,
      action: 'update',
      before: 'changed by somebody else',
      after: 'as kubeadm writes it',
    }));
    if (recorded === wanted) return changes;
    return [...changes, { subject, action: 'update', diff: textDiff(recorded, wanted) }];
  },
  converge: (desired) =>
    sh(
      converge,
      desired.node,
      desired.configuration,
      recordOf(desired),
      desired.etcd,
      desired.coredns,
      String(desired.patience),
      ...desired.certSANs,
    ),
  deadline: ({ patience }) => 300 + components.length * patience,
};

/** What stands before and after the first line that is `mark`. */
function split(text: string, mark: string): [string, string | undefined] {
  const at = `\n${text}`.indexOf(`\n${mark}`);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** Made by `controlPlaneOf`. */
export function controlPlane(desired: z.input<typeof schema>, options: StepOptions = {}): Step {
  return { kind: controlPlaneKind, name: '', desired, options };
}
