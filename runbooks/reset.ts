import { controlPlanesOf, resetOf } from '@skerry/kubernetes';
import { play, runbook, type PlayContext } from '@skerry/runbook';
import type { Step } from '@skerry/steps';

const isFirst = ({ inventory, host }: PlayContext): boolean =>
  controlPlanesOf(inventory)[0]?.name === host.name;

const gone = ({ host, inventory, fleet }: PlayContext): Step[] => resetOf(inventory, host, fleet);

/** Workers first, then control planes one by one: each leaves etcd while there still is one. */
export default runbook({
  name: 'reset',
  description: 'Takes nodes out of the cluster, and what Kubernetes left from them',
  consent: 'cluster-name',
  plays: [
    play(
      'Workers leave',
      { hosts: 'role=worker', when: ({ host }) => !host.roles.includes('control-plane') },
      gone,
    ),
    play(
      'Control planes leave',
      {
        hosts: 'role=control-plane',
        when: (context) => !isFirst(context),
        serial: 1,
        maxFailPercentage: 100,
      },
      gone,
    ),
    play('The first control plane leaves', { hosts: 'role=control-plane', when: isFirst }, gone),
  ],
});
