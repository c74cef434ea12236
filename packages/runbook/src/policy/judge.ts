import type { HostPlan, Plan, StepPlan } from '../plan.ts';
import type { Policy } from './schema.ts';
import { isWithin, parseWindow } from './window.ts';

type RuleName = keyof Policy['deny'];

/** One rule that a plan does not keep, or keeps only at some times. */
export interface PolicyFinding {
  readonly rule: RuleName;
  /** Where the rule stands in the policy: `deny.hosts[0]`. */
  readonly path: string;
  readonly what: string;
  readonly hosts: readonly string[];
  /** `play › step`; undefined where the plan as a whole is meant. */
  readonly steps: readonly string[];
  /** False: it is held when the plan is applied, and denies nothing before. */
  readonly denies: boolean;
}

export interface PolicyVerdict {
  readonly verdict: 'allowed' | 'denied';
  /** Every rule that was looked at, in order. */
  readonly rules: readonly string[];
  readonly findings: readonly PolicyFinding[];
}

export interface JudgeOptions {
  /** Names of all hosts of each group, `all` among them. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** When it is applied; undefined for a review, which cannot know. */
  readonly applyAt?: Date;
}

/** Holds a plan against a policy. Pure: same inputs, same verdict. */
export function judgePlan(plan: Plan, policy: Policy, options: JudgeOptions): PolicyVerdict {
  const { deny } = policy;
  const findings: PolicyFinding[] = [];
  const rules: string[] = [];
  const hold = (rule: RuleName, path: string, found: readonly Found[]): void => {
    rules.push(path);
    for (const one of found) findings.push({ denies: true, ...one, rule, path });
  };
  if (deny.opaque !== undefined) hold('opaque', 'deny.opaque', opaque(plan));
  if (deny.format !== undefined) hold('format', 'deny.format', formats(plan));
  if (deny.reboot !== undefined) {
    hold('reboot', 'deny.reboot', reboots(plan, deny.reboot, options.applyAt));
  }
  for (const [index, rule] of (deny.hosts ?? []).entries()) {
    hold('hosts', `deny.hosts[${index}]`, tooMany(plan, rule, options.groups));
  }
  for (const [index, pattern] of (deny.steps ?? []).entries()) {
    const fits = matcher(pattern);
    const found = stepsWhere(plan, ({ id }) => fits(id));
    hold('steps', `deny.steps[${index}]`, told(found, `the policy denies "${pattern}"`));
  }
  if (deny.otherSteps !== undefined) {
    const allowed = deny.otherSteps.map(matcher);
    const found = stepsWhere(plan, ({ id }) => !allowed.some((fits) => fits(id)));
    hold('otherSteps', 'deny.otherSteps', told(found, 'the policy allows only other steps'));
  }
  const verdict = findings.some(({ denies }) => denies) ? 'denied' : 'allowed';
  return { verdict, rules, findings };
}

type Found = Pick<PolicyFinding, 'what' | 'hosts' | 'steps'> & { readonly denies?: boolean };

interface Occurrence {
  readonly step: string;
  readonly plan: StepPlan;
  readonly hosts: string[];
}

/** Steps that fit, each once with all its hosts. Refused steps change nothing. */
function stepsWhere(plan: Plan, fits: (step: StepPlan) => boolean): readonly Occurrence[] {
  const found = new Map<string, Occurrence>();
  for (const { host, plays } of plan.hosts) {
    for (const { play, steps } of plays) {
      for (const step of steps) {
        if (isRefused(step) || !fits(step)) continue;
        const name = `${play} › ${step.id}`;
        const one = found.get(name) ?? { step: name, plan: step, hosts: [] };
        found.set(name, one);
        one.hosts.push(host);
      }
    }
  }
  return [...found.values()];
}

function isRefused({ changes }: StepPlan): boolean {
  return changes.some(({ action }) => action === 'refuse');
}

function told(found: readonly Occurrence[], what: string): readonly Found[] {
  return found.map(({ step, hosts }) => ({ what: `${step}: ${what}`, hosts, steps: [step] }));
}

function opaque(plan: Plan): readonly Found[] {
  return stepsWhere(plan, ({ confidence }) => confidence.level === 'opaque').map(
    ({ step, hosts, plan: { confidence } }) => ({
      what: `${step} is opaque: ${confidence.level === 'opaque' ? confidence.why : ''}`,
      hosts,
      steps: [step],
    }),
  );
}

const kindOf = (id: string): string => id.split(' ', 1)[0] ?? '';

function formats(plan: Plan): readonly Found[] {
  const found = stepsWhere(plan, ({ id }) => kindOf(id) === 'filesystem');
  return told(found, 'a disk gets a filesystem');
}

function reboots(
  plan: Plan,
  rule: true | { readonly outside: string },
  applyAt: Date | undefined,
): readonly Found[] {
  const found = stepsWhere(plan, ({ id }) => kindOf(id) === 'reboot');
  if (rule === true) return told(found, 'the hosts are rebooted');
  const window = parseWindow(rule.outside);
  if (applyAt === undefined) {
    return told(found, `may be applied only ${rule.outside}`).map((one) => ({
      ...one,
      denies: false,
    }));
  }
  if (window !== undefined && isWithin(window, applyAt)) return [];
  return told(found, `the hosts are rebooted outside of ${rule.outside}`);
}

function isChanged({ plays }: HostPlan): boolean {
  return plays.some(
    ({ steps, handlers }) => handlers.length > 0 || steps.some((step) => !isRefused(step)),
  );
}

function tooMany(
  plan: Plan,
  rule: { readonly group: string; readonly moreThan: number | string },
  groups: ReadonlyMap<string, readonly string[]>,
): readonly Found[] {
  const members = new Set(groups.get(rule.group));
  const hosts = plan.hosts
    .filter((host) => members.has(host.host) && isChanged(host))
    .map(({ host }) => host);
  const most =
    typeof rule.moreThan === 'number'
      ? rule.moreThan
      : (members.size * Number.parseFloat(rule.moreThan)) / 100;
  if (hosts.length <= most) return [];
  const share = typeof rule.moreThan === 'string' ? ` (${rule.moreThan} of ${members.size})` : '';
  return [
    {
      what: `${hosts.length} hosts of ${rule.group} are changed, and at most ${Math.floor(most)} may be${share}`,
      hosts,
      steps: [],
    },
  ];
}

function matcher(pattern: string): (id: string) => boolean {
  const parts = pattern.split('*').map((part) => RegExp.escape(part));
  const expression = new RegExp(`^${parts.join('.*')}$`, 's');
  return (id) => expression.test(id);
}
