import { sh, type Change, type Step, type StepKind, type StepOptions } from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  node: z.string(),
  cluster: z.string(),
  /** URLs of the API by which a node of this cluster goes: that of the endpoint, and its own. */
  servers: z.array(z.string()),
  /** Networks of pods, `10.244.0.0/16`. */
  networks: z.array(z.string()).default([]),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** The URL of the API of the cluster that it is a node of, '' where it is none. */
  readonly member: string;
  readonly controlPlane: boolean;
  /** Files and folders of Kubernetes and of networks of pods. */
  readonly paths: readonly string[];
  /** Interfaces of networks of pods. */
  readonly links: readonly string[];
  /** Routes to pods of other nodes, and rules that lead to tables of Cilium. */
  readonly ways: readonly string[];
}

// Interfaces by the names that CNI plugins give them, and those that hang on such a bridge. What lies
// in a folder counts, not the folder: an etcd disk is mounted on one.
const find = `
k=/etc/kubernetes
paths() {
  for path in "$k/admin.conf" "$k/super-admin.conf" "$k/kubelet.conf" "$k/bootstrap-kubelet.conf" \\
    "$k/controller-manager.conf" "$k/scheduler.conf" "$k/manifests"/*.yaml "$k/pki"/* \\
    "$k/kubelet.conf.d/50-skerry.conf" "$k/patches"/* \\
    /var/lib/kubelet/* /var/lib/etcd/member /var/lib/cni/* /run/flannel/* /var/lib/calico/* /run/calico/* \\
    /etc/cni/net.d/10-skerry.conflist /etc/cni/net.d/05-cilium.conflist /etc/cni/net.d/10-flannel.conflist \\
    /etc/cni/net.d/10-calico.conflist /etc/cni/net.d/calico-kubeconfig \\
    /run/cilium/* /sys/fs/bpf/cilium /sys/fs/bpf/tc/globals/cilium_* \\
    /var/lib/skerry/kubeadm.started /var/lib/skerry/control-plane
  do
    if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\\n' "$path"; fi
  done
}
links() {
  ip -o link show 2>/dev/null | while read -r _ name rest; do
    name=\${name%:} name=\${name%%@*}
    case $name in
      cni0 | flannel.1 | flannel-v6.1 | cilium_* | lxc_health | lxc[0-9a-f]* | cali[0-9a-f]* | \\
        vxlan.calico | vxlan-v6.calico | wireguard.cali | wg-v6.cali | nodelocaldns | kube-bridge)
        printf '%s\\n' "$name" ;;
      *) case $rest in *' master cni0 '*) printf '%s\\n' "$name" ;; esac ;;
    esac
  done
}
family() { case $1 in *:*) echo -6 ;; *) echo -4 ;; esac; }
# Blocks of nodes: Cilium, Calico and Flannel route them by the host's own interface.
blocks() {
  for net; do
    ip "$(family "$net")" route show root "$net" 2>/dev/null | while read -r to rest; do
      case $to in blackhole | unreachable | prohibit | throw) to=\${rest%% *} ;; esac
      if [ "$to" != "$net" ]; then printf '%s\\n' "$to"; fi
    done
  done
}
# Tables of Cilium for its proxy (pkg/datapath/linux/linux_defaults: 2004 and 2005).
rules() {
  for family in -4 -6; do
    ip "$family" rule show 2>/dev/null | sed -n 's/.* lookup \\(200[45]\\)\\( .*\\)\\{0,1\\}$/'"$family"' \\1/p'
  done
}`;

const probe = `${find}
if [ -e "$k/kubelet.conf" ]; then
  printf 'member=%s\\n' "$(sed -n 's/^ *server: *//p' "$k/kubelet.conf" | head -n 1 | tr -d '"')"
fi
if [ -e "$k/manifests/kube-apiserver.yaml" ]; then echo control-plane; fi
paths | sed 's/^/path=/'
links | sed 's/^/link=/'
blocks "$@" | sed 's/^/way=route to /'
rules | while read -r family table; do echo "way=rule of IPv\${family#-} for table $table"; done
echo end
`;

// kubeadm takes a member of etcd out of its cluster, stops what runs and removes what it wrote. In IPVS
// mode kube-proxy has made a virtual service for each NodePort at each address, also at those of pods'
// interfaces: when the interface is gone nobody can tell any more whose they are.
const converge = `${find}
fail() { printf '%s\\n' "$*" >&2; exit 1; }
serve_no_more() {
  [ -r /proc/net/ip_vs ] && command -v ipvsadm >/dev/null || return 0
  ip -o addr show dev "$1" | sed -n 's/.* inet6\\{0,1\\} \\([^/ ]*\\).*/\\1/p' | while read -r at; do
    case $at in *:*) at="[$at]" ;; esac
    ipvsadm -S -n | while read -r action protocol service _; do
      if [ "$action" = -A ] && [ "\${service%:*}" = "$at" ]; then
        ipvsadm -D "$protocol" "$service" || exit 1
      fi
    done || exit 1
  done
}
umask 077
if [ -e "$k/kubelet.conf" ]; then mkdir -p /var/lib/skerry && : >/var/lib/skerry/left || exit 1; fi
if command -v kubeadm >/dev/null && [ -n "$(paths)" ]; then
  kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock || fail 'kubeadm reset failed'
fi
if systemctl is-active --quiet kubelet 2>/dev/null; then systemctl stop kubelet || exit 1; fi
grep -q ' /var/lib/kubelet/' /proc/self/mounts && fail 'something is still mounted below /var/lib/kubelet'
paths | while IFS= read -r path; do rm -rf -- "$path" || exit 1; done || fail 'not all files could be removed'
links | while read -r name; do
  if ip link show dev "$name" >/dev/null 2>&1; then
    serve_no_more "$name" || exit 1
    ip link delete dev "$name" || exit 1
  fi
done || fail 'not all interfaces could be removed'
# A route goes with its interface, and so may be gone by now.
blocks "$@" | while read -r to; do ip "$(family "$to")" route del "$to" || exit 1; done ||
  fail 'not all routes to pods could be removed'
rules | while read -r family table; do
  ip "$family" rule del table "$table" && ip "$family" route flush table "$table" 2>/dev/null || exit 1
done || fail 'not all rules of Cilium could be removed'
`;

/**
 * No node of Kubernetes: out of the cluster where that lives on, and without what kubeadm, kubelet and
 * networks of pods left on the machine. Programs stay, and so does all that others made. A node of
 * another cluster is refused.
 */
export const resetKind: StepKind<Desired, Observed> = {
  kind: 'reset',
  schema,
  summary: ({ node }) => `${node} is no node of a cluster`,
  probe: ({ networks }) => sh(probe, ...networks),
  parse: ({ stdout }) => {
    const lines = stdout.trimEnd().split('\n');
    if (lines.at(-1) !== 'end') throw new Error('the answer is cut off');
    const all = (key: string): string[] =>
      lines.filter((line) => line.startsWith(key)).map((line) => line.slice(key.length));
    return {
      member: all('member=')[0] ?? '',
      controlPlane: lines.includes('control-plane'),
      paths: all('path='),
      links: all('link='),
      ways: all('way='),
    };
  },
  diff: ({ node, cluster, servers }, { member, controlPlane, paths, links, ways }) => {
    const changes: Change[] = [];
    if (member !== '' && !servers.includes(member)) {
      return [
        {
          subject: `node ${node}`,
          action: 'refuse',
          before: `${controlPlane ? 'control plane' : 'worker'} of ${member}`,
          why: `it belongs to another cluster, whose API is at ${member}, and ${cluster} is at ${servers[0]}: consent was asked for ${cluster} alone`,
          fix: 'reset it with the inventory of that cluster, or by hand on the node: kubeadm reset; if kubernetes.endpoint was changed, set it back',
        },
      ];
    }
    if (member !== '' || controlPlane) {
      changes.push({
        subject: `node ${node}`,
        action: 'delete',
        before: `${controlPlane ? 'control plane' : 'worker'} of ${member || 'a cluster'}`,
      });
    }
    if (paths.some((path) => path === '/var/lib/etcd/member')) {
      changes.push({
        subject: '/var/lib/etcd',
        action: 'delete',
        before: 'a member of etcd with its data',
        why: 'with the last member the whole state of the cluster goes',
      });
    }
    if (paths.length > 0) {
      changes.push({ subject: 'files of Kubernetes', action: 'delete', before: folders(paths) });
    }
    if (links.length > 0) {
      changes.push({ subject: 'interfaces of pods', action: 'delete', before: links.join(', ') });
    }
    if (ways.length > 0) {
      changes.push({ subject: 'ways to pods', action: 'delete', before: ways.join(', ') });
    }
    return changes;
  },
  converge: ({ networks }) => sh(converge, ...networks),
  deadline: () => 1200,
};

/** `/etc/kubernetes (12), /var/lib/kubelet (4)` */
function folders(paths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const folder = path.startsWith('/etc/kubernetes/') ? '/etc/kubernetes' : parentOf(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].map(([folder, count]) => `${folder} (${count})`).join(', ');
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Made by `resetOf`. */
export function reset(desired: Desired, options: StepOptions = {}): Step {
  return { kind: resetKind, name: '', desired, options };
}
