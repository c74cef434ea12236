import { summarizeChange, type Check, type Finding } from '@skerry/steps';
import { proxyLeftoversKind } from '../kinds/proxy-leftovers.ts';
import type { ClusterView } from './cluster-view.ts';
import { counted, verdictOf } from './probe-tasks.ts';

const desired = ({ inventory: { kubernetes } }: ClusterView) => ({
  mode: kubernetes.network.proxy,
});

/** Looks with the eyes of the step that removes them. */
export const proxyLeftovers: Check<ClusterView> = {
  id: 'proxy-leftovers',
  title: 'No rules of another proxy mode are left',
  on: 'nodes',
  looksAt:
    'chains of both variants of iptables, the table of nftables, IP sets, virtual services and the interface of IPVS that another mode would have made',
  settles: 30,
  fragment: (view) => proxyLeftoversKind.probe(desired(view)),
  judge(view, answers) {
    const { mode } = desired(view);
    const findings = [...answers].flatMap(([host, output]): Finding[] => {
      if (output.code !== 0) {
        return [{ what: `${host}: its rules could not be read`, why: output.stderr.trim() }];
      }
      const changes = proxyLeftoversKind.diff(
        desired(view),
        proxyLeftoversKind.parse(output, desired(view)),
      );
      return changes.map((change) => ({
        what: `${host}: ${summarizeChange(change)}`,
        why: 'what another mode wrote goes on carrying Services to pods that are long gone',
        fix: change.fix ?? 'run apply: it removes them',
      }));
    });
    const proxy = mode === 'none' ? 'without kube-proxy' : `kube-proxy in ${mode} mode`;
    return verdictOf(`${proxy}, on ${counted(answers.size, 'node')}`, findings);
  },
};
