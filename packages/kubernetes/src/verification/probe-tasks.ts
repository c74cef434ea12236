import { sh, type Finding, type Fragment, type ProbeOutput, type Verdict } from '@skerry/steps';
import { z } from 'zod';
import type { ClusterView, ProbePod } from './cluster-view.ts';

/**
 * sh: `find_probe POD` sets `pid` to that of the pod's program on this node. It is found by its
 * environment: no API, no client of containerd, and the program can be run from here, in the pod's
 * network or in the node's.
 */
export const findProbe = `
find_probe() {
  for found in $(grep -slxzF -e "POD_NAME=$1" /proc/[0-9]*/environ); do
    pid=\${found#/proc/}
    pid=\${pid%/environ}
    [ -x "/proc/$pid/root/probe" ] && return
  done
  echo "no process of the pod $1 is on this node" >&2
  return 1
}
`;

/** Words of one task of \`probe each\`: `['dial', 'http', '10.96.0.1:80']`. */
export type ProbeTask = readonly string[];

const answer = z.object({
  task: z.string(),
  result: z.enum(['answered', 'refused', 'timeout', 'error', 'smaller']),
  error: z.string().default(''),
  kernel: z.int().optional(),
  size: z.int().optional(),
  passed: z.int().optional(),
  addresses: z.array(z.string()).default([]),
  answer: z.object({ node: z.string(), pod: z.string(), client: z.string() }).optional(),
});
type ProbeAnswer = z.infer<typeof answer>;

/** sh: what the pod's kernel has learnt of narrow paths would hide them (ip-sysctl.rst, route/flush). */
const forget = `nsenter -t "$pid" -n sh -c 'echo 1 >/proc/sys/net/ipv4/route/flush' || exit
`;

/**
 * Runs tasks in the network of a pod, or of its node, all at the same time; `forgetful`: with no
 * memory of the packet sizes that went through before.
 */
export function probeFragment(
  place: 'pod' | 'node',
  { name }: ProbePod,
  tasks: readonly ProbeTask[],
  { forgetful = false }: { readonly forgetful?: boolean } = {},
): Fragment {
  const words = tasks.flatMap((task, index) => (index === 0 ? task : ['--', ...task]));
  const run = place === 'pod' ? 'nsenter -t "$pid" -n ' : '';
  return sh(
    `${findProbe}find_probe "$1" || exit
shift
${forgetful ? forget : ''}${run}"/proc/$pid/root/probe" each "$@"`,
    name,
    ...words,
  );
}

/** The answers of `probeFragment`, in the order of the tasks; a text where there are none. */
function probeAnswers(
  output: ProbeOutput,
  tasks: readonly ProbeTask[],
): readonly ProbeAnswer[] | string {
  if (output.code !== 0) return output.stderr.trim() || `exit ${output.code}`;
  const lines = output.stdout.split('\n').filter((line) => line !== '');
  if (lines.length !== tasks.length) {
    return `${lines.length} of ${tasks.length} questions were answered by the probe`;
  }
  return lines.map((line) => answer.parse(JSON.parse(line)));
}

/** `timeout: dial tcp …` */
export function described({ result, error }: ProbeAnswer): string {
  return error === '' ? result : `${result}: ${error}`;
}

/** The nodes of the cluster with a probe after this one in a ring: each node asks as many as are asked. */
export function peersOf({ probes }: ClusterView, node: string, most = 3): readonly ProbePod[] {
  const names = [...probes.keys()].toSorted();
  const from = names.indexOf(node);
  const others = [...names.slice(from + 1), ...names.slice(0, Math.max(0, from))];
  return others.slice(0, most).flatMap((name) => probes.get(name) ?? []);
}

/** Why there is nothing to ask with. */
export function withoutProbes({ probes, setUpFailure, waiting }: ClusterView): string | undefined {
  if (probes.size > 0) return undefined;
  const why = setUpFailure ?? waiting[0]?.why;
  return `no probe pod is ready${why === undefined ? '' : `: ${why}`}`;
}

/** Passed, or failed with what was found. */
export function verdictOf(looked: string, findings: readonly Finding[]): Verdict {
  const [first, ...more] = findings;
  return first === undefined
    ? { status: 'passed', looked }
    : { status: 'failed', looked, findings: [first, ...more] };
}

/** `3 nodes`, `1 node`, `2 addresses`. */
export function counted(count: number, word: string): string {
  if (count === 1) return `1 ${word}`;
  return `${count} ${word}${word.endsWith('s') ? 'es' : 's'}`;
}

/**
 * Judges the answers of every node to its tasks. A node whose probe gave no answers is a finding; one
 * without a probe is told by the check of the probes.
 */
export function judgeTasks(
  answers: ReadonlyMap<string, ProbeOutput>,
  tasksOf: (node: string) => readonly ProbeTask[],
  judge: (node: string, answers: readonly ProbeAnswer[]) => readonly Finding[],
): readonly Finding[] {
  return [...answers].flatMap(([node, output]) => {
    const given = probeAnswers(output, tasksOf(node));
    return typeof given === 'string'
      ? [{ what: `${node}: the probe could not be run`, why: given }]
      : judge(node, given);
  });
}
