import type { Diagnostic } from '@skerry/diagnostics';
import type { SecretBook } from '@skerry/executor';
import { summarizeChange, type Change } from '@skerry/steps';
import type { HostObservation } from '../observation.ts';
import type { HostPlan, Plan, PlayPlan, StepPlan } from '../plan.ts';
import { concealPlan } from './conceal.ts';
import { observedOn } from './decode.ts';
import { canonicalJson } from './digest.ts';
import { fingerprint } from './encode.ts';
import type { PlanKey } from './plan-key.ts';
import type { SavedPlan } from './read.ts';

/** Something that is not as it was when the plan was made. */
export interface Moved {
  readonly host: string;
  /** `play › step`; undefined where the host itself is another. */
  readonly step?: string;
  readonly code: 'host-moved' | 'other-host' | 'asks-otherwise' | 'host-gone' | 'host-added';
  readonly what: string;
  readonly why: string;
  /** False: what the plan does is the same; it is told, and refuses nothing. */
  readonly matters: boolean;
}

/** How things are now, read under the locks of the hosts. */
export interface FreshState {
  readonly plan: Plan;
  readonly observations: readonly HostObservation[];
  readonly secrets: SecretBook;
  /** Undefined where this machine does not have the key that the plan was made with. */
  readonly key: PlanKey | undefined;
}

/** What has moved between a saved plan and the state of its hosts now. Pure. */
export function comparePlan(saved: SavedPlan, fresh: FreshState): Moved[] {
  const now = concealPlan(fresh.plan, fresh.secrets);
  const then = new Map(saved.plan.hosts.map((host) => [host.host, host]));
  const observations = new Map(fresh.observations.map((one) => [one.host, one]));
  const entries = new Map(saved.file.hosts.map((one) => [one.host, one]));
  const names = new Set(now.hosts.map(({ host }) => host));
  const gone = [...then.keys()]
    .filter((host) => !names.has(host))
    .map((host) => presence(host, 'host-gone'));
  const found = now.hosts.flatMap((host) => {
    const planned = then.get(host.host);
    if (planned === undefined) return [presence(host.host, 'host-added')];
    const seen = observations.get(host.host);
    const entry = entries.get(host.host);
    if (seen === undefined || entry === undefined) return [];
    const other = otherHost(entry, seen);
    if (other.length > 0) return other;
    const { key } = fresh;
    const before = observedOn(saved.file, entry);
    const drifted =
      key === undefined || key.id !== saved.file.key
        ? new Set<string>()
        : new Set(
            seen.steps
              .filter(({ step, observed }) => {
                const known = before.get(step);
                return known !== undefined && known !== fingerprint(observed, key, fresh.secrets);
              })
              .map(({ step }) => step),
          );
    return compareHost(planned, host, drifted);
  });
  return [...gone, ...found];
}

function presence(host: string, code: 'host-gone' | 'host-added'): Moved {
  return code === 'host-gone'
    ? {
        host,
        code,
        what: 'the plan has this host, and the inventory selects it no more',
        why: 'it is gone from the inventory, or from the groups of the runbook',
        matters: true,
      }
    : {
        host,
        code,
        what: 'the inventory selects this host, and the plan does not have it',
        why: 'it was added after the plan was made',
        matters: true,
      };
}

function otherHost(
  planned: SavedPlan['file']['hosts'][number],
  seen: HostObservation,
): readonly Moved[] {
  const { host } = planned;
  const found: Moved[] = [];
  const about = (name: string, then: string, now: string): void => {
    if (then === now) return;
    const what = `another host answers at the address of this one: its ${name} is another`;
    found.push({
      host,
      code: 'other-host',
      what,
      why: `planned: ${then}; now: ${now}`,
      matters: true,
    });
  };
  about('host key', planned.hostKey ?? '(none)', seen.hostKey ?? '(none)');
  about('machine-id', planned.machineId || '(none)', seen.machineId || '(none)');
  return found;
}

function compareHost(then: HostPlan, now: HostPlan, drifted: ReadonlySet<string>): Moved[] {
  const plays = new Set([...then.plays, ...now.plays].map(({ play }) => play));
  const named = (plan: HostPlan, name: string): PlayPlan | undefined =>
    plan.plays.find(({ play }) => play === name);
  return [...plays].flatMap((play) =>
    comparePlay(then.host, play, { planned: named(then, play), now: named(now, play) }, drifted),
  );
}

function comparePlay(
  host: string,
  play: string,
  { planned, now }: { readonly planned: PlayPlan | undefined; readonly now: PlayPlan | undefined },
  drifted: ReadonlySet<string>,
): Moved[] {
  const before = new Map((planned?.steps ?? []).map((step) => [step.id, step]));
  const after = new Map((now?.steps ?? []).map((step) => [step.id, step]));
  const changing = new Set([...before.keys(), ...after.keys()].map((id) => `${play} › ${id}`));
  const found = [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const step = `${play} › ${id}`;
    const moved = compareStep(id, before.get(id), after.get(id), drifted.has(step));
    return moved === undefined ? [] : [{ host, step, ...moved }];
  });
  for (const step of drifted) {
    if (changing.has(step) || !step.startsWith(`${play} › `)) continue;
    found.push({
      host,
      step,
      code: 'host-moved',
      what: `what was read for ${quoted(step)} is another now`,
      why: 'it is still as desired, so it does not matter to this plan',
      matters: false,
    });
  }
  const handlers = (side: PlayPlan | undefined): string => canonicalJson(side?.handlers ?? []);
  if (found.every(({ matters }) => !matters) && handlers(planned) !== handlers(now)) {
    found.push({
      host,
      step: play,
      code: 'host-moved',
      what: `the handlers that play "${play}" would run are others now`,
      why: `planned: ${handlerNames(planned)}; now: ${handlerNames(now)}`,
      matters: true,
    });
  }
  return found;
}

function compareStep(
  id: string,
  then: StepPlan | undefined,
  now: StepPlan | undefined,
  drifted: boolean,
): Omit<Moved, 'host' | 'step'> | undefined {
  const moved = { code: 'host-moved', matters: true } as const;
  if (then === undefined) {
    return {
      ...moved,
      what: `${quoted(id)} was as desired when the plan was made, and shows a change now`,
      why: `now: ${summaries(now?.changes)}`,
    };
  }
  if (now === undefined) {
    return {
      ...moved,
      what: `${quoted(id)} is as desired now: the change was made by somebody else`,
      why: `planned: ${summaries(then.changes)}`,
    };
  }
  if (canonicalJson(then.changes) !== canonicalJson(now.changes)) {
    const [planned, present] = [summaries(then.changes), summaries(now.changes)];
    return {
      ...moved,
      what: `${quoted(id)} is to change something else than the plan shows`,
      why:
        planned === present
          ? `${planned}: the text that it would replace is another one now`
          : `planned: ${planned}; now: ${present}`,
    };
  }
  if (canonicalJson(then) !== canonicalJson(now)) {
    return {
      code: 'asks-otherwise',
      matters: true,
      what: `${quoted(id)} would be done in another way now`,
      why: 'the runbook, a template, a file or a fact it is made from was changed since',
    };
  }
  if (!drifted) return undefined;
  return {
    ...moved,
    what: `what ${quoted(id)} is to change is not as it was when the plan was made`,
    why: 'the change reads the same, and would write over what nobody has reviewed',
  };
}

const quoted = (name: string): string => `"${name}"`;

function summaries(changes: readonly Change[] | undefined): string {
  const [first, ...more] = (changes ?? []).map(summarizeChange);
  if (first === undefined) return 'nothing yet';
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

function handlerNames(play: PlayPlan | undefined): string {
  return (play?.handlers ?? []).map(({ id }) => id).join(', ') || 'none';
}

/** What moved as diagnostics: the same on several hosts is one, with their names. */
export function movedDiagnostics(found: readonly Moved[]): Diagnostic[] {
  const groups = new Map<string, { readonly first: Moved; readonly hosts: string[] }>();
  for (const one of found) {
    const key = JSON.stringify([one.step, one.code, one.what, one.why]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: one, hosts: [one.host] });
    else group.hosts.push(one.host);
  }
  return [...groups.values()].map(({ first, hosts }) => ({
    code: first.code,
    severity: first.matters ? 'error' : 'warning',
    what: first.what,
    at: { host: hostList(hosts), ...(first.step === undefined ? {} : { step: first.step }) },
    why: first.why,
    fix: 'nothing was changed; look at what moved, and plan again with --out',
  }));
}

const shownHosts = 8;

function hostList(hosts: readonly string[]): string {
  const shown = hosts.slice(0, shownHosts).join(', ');
  return hosts.length > shownHosts ? `${shown} and ${hosts.length - shownHosts} more` : shown;
}
