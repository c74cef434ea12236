import { z } from 'zod';

const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  status: z.object({ desiredNumberScheduled: z.int().default(0) }),
});
const pod = z.object({
  kind: z.literal('Pod'),
  spec: z.object({ nodeName: z.string().default('') }),
});
const list = z.object({ items: z.array(z.discriminatedUnion('kind', [daemonSet, pod])) });

/**
 * Nodes that MetalLB's speaker is to run on: those that its DaemonSet has a pod for, whether it runs or
 * not. Taints and patches of it leave nodes out. `text`: its DaemonSet and its pods, as kubectl prints
 * them. undefined where these do not tell: there is no DaemonSet, or it has not made all of its pods.
 */
export function speakerNodes(text: string): ReadonlySet<string> | undefined {
  const { items } = list.parse(JSON.parse(text));
  const wanted = items.find((item) => item.kind === 'DaemonSet')?.status.desiredNumberScheduled;
  const nodes = new Set(
    items.flatMap((item) =>
      item.kind === 'Pod' && item.spec.nodeName !== '' ? [item.spec.nodeName] : [],
    ),
  );
  return wanted === undefined || nodes.size < wanted ? undefined : nodes;
}
