import { sh, type Step, type StepKind, type StepOptions } from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  node: z.string(),
  /** The URL of the API of the cluster that the node has left. */
  server: z.string(),
  /** Hosts that may run that cluster; the first one that answers forgets the node. */
  controlPlanes: z.array(z.string()),
});
type Desired = z.infer<typeof schema>;

/** Whether the node has left a cluster that was not told yet. */
type Observed = boolean;

const probe = `if [ -e /var/lib/skerry/left ]; then echo left; fi`;

/** What a control plane answers: like no other text, since what it answers is shown nowhere. */
const answers = { told: 'skerry-node-deleted-7f1c', nobody: 'skerry-no-api-here-7f1c' };

const converge = `
case $1 in
  ${answers.told}) printf 'The cluster has forgotten %s.\\n' "$2" ;;
  *) printf 'No control plane could be told. Where the cluster lives on: kubectl delete node %s\\n' "$2" ;;
esac
rm -f /var/lib/skerry/left`;

const forget = `
server=$1 node=$2 admin=/etc/kubernetes/admin.conf
if ! grep -qxF "    server: $server" "$admin" 2>/dev/null; then
  [ -e /var/lib/skerry/left ] || { echo 'it runs no control plane of this cluster' >&2; exit 1; }
  echo ${answers.nobody}
  exit
fi
kubectl --kubeconfig "$admin" --request-timeout=60s delete node "$node" --ignore-not-found >&2 || exit 1
echo ${answers.told}
`;

/**
 * The cluster knows a node no more that has left it: `reset` notes on the node that it was one. After
 * it and not before, since kubeadm reads the Node object to take a member out of etcd.
 */
export const forgottenKind: StepKind<Desired, Observed> = {
  kind: 'forgotten',
  schema,
  summary: ({ node }) => `the cluster knows no ${node}`,
  probe: () => sh(probe),
  parse: ({ stdout }) => stdout.trim() === 'left',
  diff: ({ node }, left) =>
    left ? [{ subject: `node ${node} in the cluster`, action: 'delete' }] : [],
  converge: ({ node, server, controlPlanes }) =>
    sh(
      converge,
      {
        // The node itself comes last: that a cluster is no more must not hold anybody up.
        readOn: [...controlPlanes, node],
        fragment: sh(forget, server, node),
      },
      node,
    ),
};

/** Made by `resetOf`. */
export function forgotten(desired: z.input<typeof schema>, options: StepOptions = {}): Step {
  return { kind: forgottenKind, name: '', desired, options };
}
