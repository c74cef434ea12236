import { sh, type Check, type Finding } from '@skerry/steps';
import { componentOf } from '../matrix/components.ts';
import { endpointText, type ClusterView } from './cluster-view.ts';
import { probePorts } from './probe-image.ts';
import {
  counted,
  described,
  findProbe,
  judgeTasks,
  verdictOf,
  withoutProbes,
  type ProbeTask,
} from './probe-tasks.ts';

/** Whether the CNI of an inventory enforces NetworkPolicies. */
export function enforcesPolicies({ kubernetes: { network } }: ClusterView['inventory']): boolean {
  return network.cni !== undefined && componentOf(network.cni.name).policies === true;
}

const tasksOf = ({ guarded }: ClusterView): readonly [allowed: ProbeTask, denied: ProbeTask] => {
  const at = (port: number): string => endpointText(guarded?.address ?? '', port);
  return [
    ['dial', 'http', at(probePorts.http), '--within', '20s'],
    ['dial', 'tcp', at(probePorts.echo)],
  ];
};

export const policies: Check<ClusterView> = {
  id: 'policies',
  title: 'A NetworkPolicy denies, and lets through what it allows',
  on: 'nodes',
  looksAt:
    'a pod that denies all but its HTTP port to the probes: every probe opens that port, and one that nothing allows',
  settles: 30,
  skip(view) {
    const { cni } = view.inventory.kubernetes.network;
    if (!enforcesPolicies(view.inventory)) {
      return `${cni?.name ?? 'no CNI'}: NetworkPolicies mean nothing here, nobody enforces them`;
    }
    const missing = withoutProbes(view);
    if (missing !== undefined) return missing;
    return view.guarded === undefined ? 'the pod that is to be guarded is not ready' : undefined;
  },
  fragment(view, host) {
    const pod = view.probes.get(host);
    const [allowed, denied] = tasksOf(view);
    if (pod === undefined) return undefined;
    // One after the other: when the allowed path is open, the policies are in force.
    return sh(
      `${findProbe}find_probe "$1" || exit
probe() { nsenter -t "$pid" -n "/proc/$pid/root/probe" "$@"; }
shift
probe "$1" "$2" "$3" "$4" "$5"
shift 5
probe "$@"
exit 0`,
      pod.name,
      ...allowed,
      ...denied,
    );
  },
  judge(view, answers) {
    const tasks = tasksOf(view);
    const [allowedAt = '', deniedAt = ''] = tasks.map(([, , address]) => address);
    const findings = judgeTasks(
      answers,
      () => tasks,
      (node, [allowed, denied]): Finding[] => [
        ...(allowed?.result === 'answered'
          ? []
          : [
              {
                what: `from a pod of ${node}: ${allowedAt} is allowed, and does not answer`,
                why: allowed === undefined ? 'no answer' : described(allowed),
                fix: 'look at the policies that the CNI has put in force for the pod guarded in skerry-verify',
              },
            ]),
        // Whatever else it was, it was no refusal by a policy.
        ...(denied?.result === 'timeout' || denied?.result === 'refused'
          ? []
          : [
              {
                what: `from a pod of ${node}: ${deniedAt} is denied, and ${denied?.result === 'answered' ? 'it answers' : 'the answer tells nothing'}`,
                why:
                  denied?.result === 'answered'
                    ? 'the policy is not in force: every NetworkPolicy of this cluster may be without effect'
                    : denied === undefined
                      ? 'no answer'
                      : described(denied),
                fix: 'look at the agent of the CNI on both nodes',
              },
            ]),
      ],
    );
    const node = view.guarded?.node ?? '';
    return verdictOf(
      `a pod on ${node}, asked from ${counted(answers.size, 'pod')}: ${allowedAt} allowed, ${deniedAt} denied`,
      findings,
    );
  },
};
