import type { Check } from '@skerry/steps';
import type { ClusterView } from './cluster-view.ts';
import { probeImage } from './probe-image.ts';
import { counted, verdictOf } from './probe-tasks.ts';

const known = ({ inventory }: ClusterView): string[] =>
  inventory.hosts
    .filter(({ roles }) => roles.includes('control-plane') || roles.includes('worker'))
    .map(({ name }) => name);

export const nodesReady: Check<ClusterView> = {
  id: 'nodes-ready',
  title: 'Nodes are Ready, in the version of the inventory',
  on: 'api',
  looksAt: "the nodes' conditions and the versions of their kubelets, at the API",
  settles: 60,
  judge(view) {
    const wanted = `v${view.inventory.kubernetes.version}`;
    const nodes = new Map(view.nodes.map((node) => [node.name, node]));
    const findings = known(view).flatMap((name) => {
      const node = nodes.get(name.toLowerCase());
      if (node === undefined) {
        return [
          {
            what: `${name} is no node of this cluster`,
            fix: `run apply; it joins ${name}`,
          },
        ];
      }
      return [
        ...(node.ready
          ? []
          : [
              {
                what: `${name} is not Ready`,
                why: node.reason,
                fix: `look at the kubelet: journalctl -u kubelet on ${name}`,
              },
            ]),
        ...(node.version === wanted
          ? []
          : [
              {
                what: `${name} runs ${node.version}, the inventory says ${wanted}`,
                why: 'the kubelet was not upgraded, or by something else',
                fix: 'run plan to see what apply would change',
              },
            ]),
      ];
    });
    const names = view.nodes.map(({ name, version }) => `${name} ${version}`).join(', ');
    return verdictOf(`${counted(view.nodes.length, 'node')}: ${names}`, findings);
  },
};

export const probePods: Check<ClusterView> = {
  id: 'probe-pods',
  title: 'A pod starts on every node',
  on: 'api',
  looksAt: 'the probe pods of this verification: one on each node, Ready',
  settles: 60,
  judge({ nodes, probes, waiting, setUpFailure, guarded }) {
    const looked = `${counted(probes.size, 'probe pod')} ready on ${counted(nodes.length, 'node')}`;
    if (setUpFailure !== undefined) {
      const what = 'the probe pods could not be made';
      return verdictOf(looked, [{ what, why: setUpFailure }]);
    }
    const missing = nodes.filter(({ name }) => !probes.has(name));
    const isImage = (why: string): boolean => /Image/.test(why);
    const findings = missing.map(({ name }) => {
      const why = waiting.find(({ node }) => node === name)?.why ?? 'no pod was made for it';
      return {
        what: `no probe pod is ready on ${name}`,
        why,
        fix: isImage(why)
          ? `the image ${probeImage} comes from the bundle: give apply a bundle that holds it (bootstrap bundle create)`
          : `look at the pod: kubectl -n skerry-verify describe pods, and at the kubelet of ${name}`,
      };
    });
    const stuck = waiting
      .filter(({ pod }) => pod.startsWith('guarded') && guarded === undefined)
      .filter(({ node }) => !missing.some(({ name }) => name === node))
      .map(({ pod, why }) => ({ what: `the pod ${pod} is not ready`, why }));
    return verdictOf(looked, [...findings, ...stuck]);
  },
};
