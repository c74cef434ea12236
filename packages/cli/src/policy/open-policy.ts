import { readFile } from 'node:fs/promises';
import { DiagnosticError, didYouMean, formatPosition, type Diagnostic } from '@skerry/diagnostics';
import { readCheckedYaml, type Inventory } from '@skerry/inventory';
import {
  judgePlan,
  policySchema,
  type Plan,
  type Policy,
  type PolicyFinding,
  type PolicyVerdict,
} from '@skerry/runbook';

export interface PolicyOptions {
  /** A file with rules. */
  readonly policy?: string;
  /** Rules from the command line. */
  readonly deny?: readonly string[];
}

interface PlacedFinding extends PolicyFinding {
  /** `policy.yaml:4:5`, or `--deny`. */
  readonly at: string;
}

/** A verdict, each finding with the place of its rule. */
export interface PlacedVerdict extends Omit<PolicyVerdict, 'findings'> {
  readonly findings: readonly PlacedFinding[];
}

/** The rules that a plan is held against; undefined where none are given. */
export interface OpenPolicy {
  /** `applyAt`: when it is applied; undefined for a review. */
  readonly judge: (plan: Plan, applyAt?: Date) => PlacedVerdict;
}

/**
 * Reads the policy of the options. Throws a DiagnosticError with everything that is wrong in it, a
 * group that the inventory does not have among them. Without an inventory only `all` is known: the
 * hosts of the plan.
 */
export async function openPolicy(
  options: PolicyOptions,
  inventory: Inventory | undefined,
): Promise<OpenPolicy | undefined> {
  const rules: { readonly policy: Policy; readonly placeOf: (path: string) => string }[] = [];
  if (options.policy !== undefined) {
    const file = readCheckedYaml(await textOf(options.policy), options.policy, policySchema);
    refuseGroups(file.value, inventory, (path) => ({ at: file.placeOf(path) }));
    rules.push({
      policy: file.value,
      placeOf: (path) => formatPosition(file.placeOf(path)),
    });
  }
  if (options.deny !== undefined) {
    const policy = { deny: denyOf(options.deny) };
    refuseGroups(policy, inventory, () => ({}));
    rules.push({ policy, placeOf: () => '--deny' });
  }
  if (rules.length === 0) return undefined;
  return {
    judge: (plan, applyAt) => {
      const groups =
        inventory === undefined
          ? new Map([['all', plan.hosts.map(({ host }) => host)]])
          : new Map([...inventory.groups].map(([name, { hosts }]) => [name, hosts]));
      const verdicts = rules.map(({ policy, placeOf }) => {
        const verdict = judgePlan(plan, policy, {
          groups,
          ...(applyAt === undefined ? {} : { applyAt }),
        });
        const findings = verdict.findings.map((one) => ({ ...one, at: placeOf(one.path) }));
        return { ...verdict, findings };
      });
      const denied = verdicts.some(({ verdict }) => verdict === 'denied');
      return {
        verdict: denied ? 'denied' : 'allowed',
        rules: verdicts.flatMap((one) => one.rules),
        findings: verdicts.flatMap((one) => one.findings),
      };
    },
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new DiagnosticError({
      code: 'policy-unreadable',
      severity: 'error',
      what: `there is no policy to read at ${path}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'name a YAML file; docs/review.md shows one',
    });
  }
}

const ruleForms: Readonly<Record<string, string>> = {
  opaque: 'opaque',
  format: 'format',
  reboot: "reboot, or 'reboot outside Sat-Sun 22:00-04:00 Europe/Oslo'",
  hosts: "'hosts GROUP > 25%'",
  step: "'step package *'",
  'steps-but': "'steps-but sysctl *'",
};

/** The rules of `--deny`, as a file would have them. */
function denyOf(texts: readonly string[]): Policy['deny'] {
  const found: Diagnostic[] = [];
  const deny: Record<string, unknown> = {};
  const add = (key: string, value: unknown): void => {
    deny[key] = [...((deny[key] as unknown[] | undefined) ?? []), value];
  };
  for (const text of texts) {
    const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(text) ?? [];
    const [, group = '', most = ''] = /^(\S+)\s*>\s*(\S+)$/.exec(rest) ?? [];
    const outside = /^outside\s+(.+)$/.exec(rest)?.[1];
    if ((word === 'opaque' || word === 'format') && rest === '') deny[word] = true;
    else if (word === 'reboot' && rest === '') deny['reboot'] = true;
    else if (word === 'reboot' && outside !== undefined) deny['reboot'] = { outside };
    else if (word === 'hosts' && group !== '') {
      add('hosts', { group, moreThan: /^\d+$/.test(most) ? Number(most) : most });
    } else if (word === 'step' && rest !== '') add('steps', rest);
    else if (word === 'steps-but' && rest !== '') add('otherSteps', rest);
    else found.push(badRule(text, word));
  }
  if (found.length > 0) throw new DiagnosticError(found);
  const checked = policySchema.safeParse({ deny });
  if (checked.success) return checked.data.deny;
  throw new DiagnosticError(
    checked.error.issues.map((issue) => ({
      code: 'bad-rule',
      severity: 'error' as const,
      what: `--deny: ${issue.path.slice(1).join('.')} ${issue.message}`,
      fix: `the forms are: ${Object.values(ruleForms).join('; ')}`,
    })),
  );
}

function badRule(text: string, word: string): Diagnostic {
  const form = ruleForms[word];
  return {
    code: 'bad-rule',
    severity: 'error',
    what: `--deny: "${text}" is no rule`,
    fix:
      form === undefined
        ? (didYouMean(word, Object.keys(ruleForms)) ??
          `the rules are: ${Object.values(ruleForms).join('; ')}`)
        : `write it as ${form}`,
  };
}

function refuseGroups(
  { deny }: Policy,
  inventory: Inventory | undefined,
  placed: (path: string) => Pick<Diagnostic, 'at'>,
): void {
  const known = inventory === undefined ? ['all'] : [...inventory.groups.keys()];
  const wrong = (deny.hosts ?? []).flatMap(({ group }, index): Diagnostic[] =>
    known.includes(group)
      ? []
      : [
          {
            code: 'unknown-group',
            severity: 'error',
            what: `there is no group "${group}"`,
            ...placed(`deny.hosts[${index}].group`),
            ...(inventory === undefined
              ? { why: 'the inventory of the plan was not found, so only "all" is known' }
              : {}),
            fix:
              inventory === undefined
                ? 'name the inventory with --inventory FILE'
                : (didYouMean(group, known) ?? `the groups are ${known.join(', ')}`),
          },
        ],
  );
  if (wrong.length > 0) throw new DiagnosticError(wrong);
}
