import {
  sh,
  textDiff,
  type Change,
  type Step,
  type StepKind,
  type StepOptions,
} from '@skerry/steps';
import { z } from 'zod';
import { withJoinValues } from '../kubeadm/join-values.ts';
import { fieldManager } from '../objects/ownership.ts';

const schema = z.strictObject({
  cluster: z.string(),
  /** The name of the node. */
  node: z.string(),
  action: z.enum(['init', 'join']),
  role: z.enum(['control-plane', 'worker']),
  /** `1.36.3`: what the node's kubelet is to be. */
  version: z.string(),
  /** The URL of the API, `https://10.20.0.10:6443`. */
  server: z.string(),
  /** The URL of the node's own API server, by which its kubelet may go; '' for a worker. */
  localServer: z.string().default(''),
  /** SHA-256 in hex of ca.crt of the cluster, as its control planes have it; '' where unknown. */
  ca: z.string().default(''),
  /** That no control plane of the inventory runs a cluster: then nobody can be its member. */
  noCluster: z.boolean().default(false),
  /** Settings that the cluster runs with otherwise, and that no running cluster follows. */
  fixed: z
    .array(z.strictObject({ setting: z.string(), running: z.string(), wanted: z.string() }))
    .default([]),
  /** Control planes that may run the cluster already, and of which nothing is known. */
  unknown: z.array(z.string()).default([]),
  /** Hosts that can make what a node needs to join, the first choice first. */
  makers: z.array(z.string()).default([]),
  /** kubeadm's configuration as YAML, `joinPlaceholders` in it for what is made when needed. */
  configuration: z.string(),
  /**
   * An object as JSON that is applied as soon as kubeadm has begun the cluster, '' for none: the note on
   * kube-proxy's pods, which would be made twice over if it came later, with the other objects.
   */
  afterInit: z.string().default(''),
  /** Seconds. */
  deadline: z.int().default(1800),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** An attempt of ours that did not come to its end. */
  readonly started: boolean;
  readonly member:
    | {
        readonly server: string;
        readonly ca: string;
        readonly role: 'control-plane' | 'worker';
        readonly kubelet: string;
      }
    | undefined;
}

const probe = `
k=/etc/kubernetes
if [ -e /var/lib/skerry/kubeadm.started ]; then echo started; fi
if [ -e "$k/kubelet.conf" ]; then
  if [ -e "$k/manifests/kube-apiserver.yaml" ]; then echo 'role=control-plane'; else echo 'role=worker'; fi
  printf 'server=%s\\n' "$(sed -n 's/^ *server: *//p' "$k/kubelet.conf" | head -n 1 | tr -d '"')"
  printf 'ca=%s\\n' "$(sha256sum "$k/pki/ca.crt" 2>/dev/null | cut -d' ' -f1)"
  printf 'kubelet=%s\\n' "$(kubelet --version 2>/dev/null)"
fi
echo end
`;

// What kubeadm prints goes where it can be seen; its configuration holds a token, so that it lies in
// memory, for root only, and goes away whatever happens.
const converge = `
marker=/var/lib/skerry/kubeadm.started static=/etc/kubernetes/manifests
action=$1 node=$2 after=$3; shift 3
fail() { printf '%s\\n' "$*" >&2; exit 1; }
umask 077
mkdir -p /var/lib/skerry /run/skerry || exit 1
if [ -e "$marker" ]; then
  if [ "$action" = init ]; then
    others=$(KUBECONFIG=/etc/kubernetes/admin.conf kubectl --request-timeout=20s get nodes -o name 2>/dev/null | grep -vxF "node/$node")
    [ -z "$others" ] || fail "kubeadm init did come to its end: the cluster has other nodes ($(echo $others)); if all is well with it, remove $marker"
  fi
  echo 'An attempt of an earlier run did not come to its end: it is taken back by kubeadm reset.'
  keep=
  if [ -e "$static/kube-vip.yaml" ]; then keep=$(cat "$static/kube-vip.yaml"; echo .); fi
  kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock || fail 'kubeadm reset failed'
  if [ -n "$keep" ]; then
    mkdir -p "$static" && printf '%s' "\${keep%.}" >"$static/kube-vip.yaml" || exit 1
  fi
fi
printf '%s\\n' "$action" >"$marker" || exit 1
rmdir /var/lib/etcd/lost+found 2>/dev/null
file=$(mktemp /run/skerry/kubeadm.XXXXXX) || exit 1
trap 'rm -f "$file"' EXIT
printf '%s' "$@" >"$file" || exit 1
umask 022
if [ "$action" = init ]; then kubeadm init --config "$file" --skip-token-print
else kubeadm join --config "$file"
fi || fail "kubeadm $action did not come to its end: the next apply takes it back and begins anew"
if [ -n "$after" ]; then
  printf '%s\\n' "$after" | kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=60s apply \\
    --server-side --validate=false --field-manager=${fieldManager} --force-conflicts -f - ||
    echo 'it is applied with the other objects'
fi
rm -f "$marker"
`;

/**
 * A node of a cluster: `kubeadm init` on the first control plane, `kubeadm join` on all others. A
 * node of another cluster is refused, and so is every node where the inventory has another network than
 * its cluster. What was begun and cut off is taken back first.
 */
export const membershipKind: StepKind<Desired, Observed> = {
  kind: 'membership',
  schema,
  summary: ({ action, cluster, role }) =>
    action === 'init' ? `the first control plane of ${cluster}` : `${role} of ${cluster}`,
  probe: () => sh(probe),
  parse: ({ stdout }) => {
    const lines = stdout.trimEnd().split('\n');
    if (lines.at(-1) !== 'end') throw new Error('the answer is cut off');
    const valueOf = (key: string): string =>
      lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
    const role = valueOf('role');
    return {
      started: lines.includes('started'),
      member:
        role === 'control-plane' || role === 'worker'
          ? {
              server: valueOf('server'),
              ca: valueOf('ca'),
              role,
              kubelet: valueOf('kubelet').replace(/^Kubernetes v/, ''),
            }
          : undefined,
    };
  },
  diff: (desired, { started, member }) => {
    const { node, action, cluster, unknown } = desired;
    const subject = `node ${node}`;
    const refused = desired.fixed.map(refusalOf);
    if (member !== undefined && !started) {
      const other = memberChanges(desired, member);
      return other.length > 0 ? other : refused;
    }
    if (refused.length > 0) return refused;
    if (action === 'init' && unknown.length > 0) {
      return [
        {
          subject,
          action: 'refuse',
          why: `nobody knows whether ${unknown.join(', ')} ${unknown.length === 1 ? 'runs' : 'run'} the cluster ${cluster} already: a second one would be begun`,
          fix: `run it without --limit, so that ${unknown.join(', ')} can be asked`,
        },
      ];
    }
    const changes: Change[] = [
      {
        subject,
        action: 'create',
        after: `kubeadm ${action}, ${membershipKind.summary(desired)}`,
        diff: textDiff('', desired.configuration),
        ...(started ? { before: 'an attempt that did not come to its end' } : {}),
      },
    ];
    return changes;
  },
  converge: (desired) =>
    sh(
      converge,
      desired.action,
      desired.node,
      desired.afterInit,
      ...withJoinValues(desired.configuration, desired),
    ),
  deadline: ({ deadline }) => deadline,
  // What is applied after init follows from the configuration.
  asked: (desired) => ({ ...desired, afterInit: '' }),
};

function refusalOf({ setting, running, wanted }: Desired['fixed'][number]): Change {
  return {
    subject: setting,
    action: 'refuse',
    before: running,
    after: wanted,
    why: `the cluster runs with ${running} and not with ${wanted}, and a running cluster cannot be changed to that: what it runs and stores holds the old one`,
    fix: `set ${setting} back to ${running}, or make a new cluster: bootstrap run reset INVENTORY, then apply`,
  };
}

function memberChanges(desired: Desired, member: NonNullable<Observed['member']>): Change[] {
  const { node, server, localServer, ca, noCluster, role, version } = desired;
  const subject = `node ${node}`;
  const away = `take it out of the inventory, or out of that cluster: bootstrap run reset INVENTORY --limit ${node}`;
  const refuse = (why: string, fix: string): Change[] => [
    { subject, action: 'refuse', before: `${member.role} of ${member.server}`, why, fix },
  ];
  if (member.server !== server && (localServer === '' || member.server !== localServer)) {
    return refuse(
      `it already belongs to another cluster, whose API is at ${member.server} and not at ${server}`,
      `take it out of the inventory, or out of that cluster: with that cluster's own inventory, or by hand on ${node}: kubeadm reset; if kubernetes.endpoint was changed, set it back: a running cluster does not follow it`,
    );
  }
  if (ca !== '' && member.ca !== ca) {
    return refuse(
      `it already belongs to another cluster with the same address: its CA is another one (sha256 ${member.ca.slice(0, 12)}… and not ${ca.slice(0, 12)}…)`,
      away,
    );
  }
  if (noCluster) {
    return refuse(
      'it already belongs to another cluster: no control plane of the inventory runs one',
      away,
    );
  }
  if (member.role !== role) {
    return refuse(`it is a ${member.role}, and the inventory has it as ${role}`, away);
  }
  if (member.kubelet !== '' && member.kubelet !== version) {
    return refuse(
      `its kubelet is ${member.kubelet}, and the inventory asks for ${version}: a running node is not upgraded by this runbook`,
      `set kubernetes.version to ${member.kubelet}`,
    );
  }
  return [];
}

/** Made by `membershipOf`. */
export function membership(desired: z.input<typeof schema>, options: StepOptions = {}): Step {
  return { kind: membershipKind, name: '', desired, options };
}
