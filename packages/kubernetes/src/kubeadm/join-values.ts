import { sh, type Arg, type ReadOn } from '@skerry/steps';
import { stringify } from 'yaml';
import type { JoinFacts } from './configuration.ts';

/**
 * What stands in the configuration of a node that joins for the values that a control plane makes
 * when they are needed. They are put in on the node, in double quotes.
 */
export const joinPlaceholders: JoinFacts = {
  token: '⟦made-on-a-control-plane:token⟧',
  certificateKey: '⟦made-on-a-control-plane:certificate-key⟧',
  caCertHashes: ['⟦made-on-a-control-plane:ca-hash⟧'],
};

// A control plane of another cluster, or one that is only half made, must give out nothing.
const ofThisCluster = `
server=$1; shift
admin=/etc/kubernetes/admin.conf
if [ ! -e "$admin" ] || [ -e /var/lib/skerry/kubeadm.started ]; then echo 'it runs no control plane yet' >&2; exit 1; fi
grep -qxF "    server: $server" "$admin" || { echo "its control plane is not that of $server" >&2; exit 1; }
`;

/** One token serves all nodes of a run; a duration as Go writes it. */
const tokenLife = '1h0m0s';

const token = `${ofThisCluster}
kubeadm token create --kubeconfig "$admin" --ttl "$1" --description 'Made by Skerry for nodes that join'
`;

// kubeadm works the hash out itself: openssl need not be there. With --dry-run no token is made.
const caHash = `${ofThisCluster}
join=$(kubeadm token create --kubeconfig "$admin" --dry-run --print-join-command) || exit 1
hash=\${join##*--discovery-token-ca-cert-hash sha256:}
hash=\${hash%%[!0-9a-f]*}
[ "\${#hash}" = 64 ] || { echo 'kubeadm printed no hash of the CA' >&2; exit 1; }
printf 'sha256:%s\\n' "$hash"
`;

// The key is in a file that only root can read, and not an argument, which everybody can.
const certificateKey = `${ofThisCluster}
umask 077
file=$(mktemp /run/skerry-certs.XXXXXX) || exit 1
trap 'rm -f "$file"' EXIT
key=$(kubeadm certs certificate-key) || exit 1
printf 'certificateKey: "%s"\\n%s' "$key" "$1" >"$file" || exit 1
kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --kubeconfig "$admin" --config "$file" >&2 || exit 1
printf '%s\\n' "$key"
`;

/** Beside the key: what keeps kubeadm from looking for a version in the internet, and for a runtime. */
function uploadConfiguration(version: string): string {
  return [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      nodeRegistration: { criSocket: 'unix:///run/containerd/containerd.sock' },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      kubernetesVersion: `v${version}`,
    },
  ]
    .map((object) => stringify(object))
    .join('---\n');
}

/**
 * The text of a configuration as arguments that make it up, each placeholder a value to be read on
 * the first of `makers` that is a control plane of the cluster whose API is at `server`.
 */
export function withJoinValues(
  configuration: string,
  { makers, server, version }: { makers: readonly string[]; server: string; version: string },
): Arg[] {
  const on = (code: string, ...args: readonly string[]): ReadOn => ({
    readOn: makers,
    fragment: sh(code, server, ...args),
  });
  const values = new Map<string, ReadOn>([
    [joinPlaceholders.token, on(token, tokenLife)],
    [joinPlaceholders.certificateKey, on(certificateKey, uploadConfiguration(version))],
    [joinPlaceholders.caCertHashes[0] ?? '', on(caHash)],
  ]);
  return configuration.split(/"?(⟦made-on-a-control-plane:[^⟧]+⟧)"?/).flatMap((piece): Arg[] => {
    const value = values.get(piece);
    return value === undefined ? [piece] : ['"', value, '"'];
  });
}
