import { DiagnosticError, didYouMean, formatPosition } from '@skerry/diagnostics';
import { childPath, type Host, type Json } from '@skerry/inventory';
import type { DesiredFleet, DesiredStep, HostDesired } from './desired-state.ts';
import { leavesOfStep } from './step-leaves.ts';

/** Something that a step is made from. */
export interface StepInput {
  /** `node.swap`, `kubernetes.network.proxy`, `facts.kernel`, `hosts` for the others of the fleet. */
  readonly path: string;
  readonly value: unknown;
  /** `group workers`, `default`, `facts`. */
  readonly level: string;
  /** `inventory/oslo.yaml:12:7`; undefined for defaults and facts. */
  readonly position: string | undefined;
}

/** One value that a step asks for, and what it comes from; nothing for what the runbook itself says. */
export interface ExplainedValue {
  /** `values.net.core.somaxconn`, `modules[2]`, `content line 3`. */
  readonly path: string;
  readonly value: string;
  readonly from: readonly StepInput[];
}

export interface ExplainedStep {
  readonly host: string;
  readonly play: string;
  readonly id: string;
  readonly kind: string;
  readonly summary: string;
  readonly needs: readonly string[];
  readonly notifies: readonly string[];
  readonly values: readonly ExplainedValue[];
  /** What decides whether the step is asked for at all. */
  readonly because: readonly StepInput[];
}

/**
 * Where every value of one step of one host comes from, found by trying: each input is changed, one
 * at a time, and the values that come out otherwise come from it. Throws a DiagnosticError where the
 * host has no such step.
 */
export function explainStep(fleet: DesiredFleet, host: Host, id: string): ExplainedStep {
  const base = fleet.of(host);
  const found = find(base, id);
  if (found === undefined) throw unknownStep(base, id);
  const leaves = leavesOfStep(found.step);
  const from = new Map<string, StepInput[]>();
  const because: StepInput[] = [];
  for (const { input, views } of inputs(fleet, host)) {
    for (const view of views) {
      const outcome = attempt(view, id);
      if (outcome === 'failed') continue;
      if (outcome === 'gone') {
        because.push(input);
        break;
      }
      const differing = otherLeaves(leaves, leavesOfStep(outcome));
      for (const path of differing) from.set(path, [...(from.get(path) ?? []), input]);
      if (differing.length > 0) break;
    }
  }
  return {
    host: host.name,
    play: found.play,
    id,
    kind: found.step.kind.kind,
    summary: found.step.kind.summary(found.step.desired),
    needs: found.step.needs,
    notifies: [...found.step.notify.keys()],
    values: [...leaves].map(([path, value]) => ({ path, value, from: from.get(path) ?? [] })),
    because,
  };
}

const line = / line \d+$/;

/** Paths of the values that are not in `now`; of lines, their number is no part of them. */
function otherLeaves(
  then: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): readonly string[] {
  const lines = new Set(
    [...now].filter(([path]) => line.test(path)).map(([path, text]) => path.replace(line, text)),
  );
  return [...then]
    .filter(([path, value]) =>
      line.test(path) ? !lines.has(path.replace(line, value)) : now.get(path) !== value,
    )
    .map(([path]) => path);
}

function find(
  host: HostDesired,
  id: string,
): { readonly play: string; readonly step: DesiredStep } | undefined {
  return host.plays
    .flatMap(({ play, steps }) => steps.map((step) => ({ play, step })))
    .find(({ step }) => step.id === id);
}

function unknownStep(host: HostDesired, id: string): DiagnosticError {
  const ids = host.plays.flatMap(({ steps }) => steps.map((step) => step.id));
  return new DiagnosticError({
    code: 'unknown-step',
    severity: 'error',
    what: `${host.host} has no step "${id}"`,
    why: ids.length === 0 ? 'no play selects it' : `its steps are: ${ids.join(', ')}`,
    fix: didYouMean(id, ids) ?? 'name one of them, in quotes',
  });
}

type Expand = () => HostDesired;

/** `failed`: the runbook takes no such value, so nothing can be learnt from it. */
function attempt(expand: Expand, id: string): DesiredStep | 'gone' | 'failed' {
  try {
    return find(expand(), id)?.step ?? 'gone';
  } catch (error) {
    if (error instanceof DiagnosticError) return 'failed';
    throw error;
  }
}

interface Tried {
  readonly input: StepInput;
  /** The host's state with other values for the input, in the order in which they are tried. */
  readonly views: readonly Expand[];
}

function* inputs(fleet: DesiredFleet, host: Host): Generator<Tried> {
  const { inventory, facts } = fleet.source;
  const changedHost = (other: Host) => (): HostDesired => {
    const hosts = inventory.hosts.map((one) => (one === host ? other : one));
    return fleet.with({ ...inventory, hosts }, false).of(other);
  };
  for (const section of ['address', 'roles', 'vars', 'secrets', 'node'] as const) {
    for (const [keys, value] of leaves(host[section], [])) {
      const path = pathOf([section, ...keys]);
      const origin =
        host.origins.get(path) ?? [...host.origins].find(([at]) => at.startsWith(`${path}.`))?.[1];
      yield {
        input: {
          path,
          value,
          level: origin?.level ?? 'default',
          position: origin?.at === undefined ? undefined : formatPosition(origin.at),
        },
        views: others(value).map((other) =>
          changedHost({ ...host, [section]: put(host[section], keys, other) }),
        ),
      };
    }
  }
  for (const section of ['kubernetes', 'cluster'] as const) {
    for (const [keys, value] of leaves(inventory[section], [])) {
      const at =
        section === 'kubernetes' ? inventory.kubernetesPlaces.get(keys.join('.')) : undefined;
      yield {
        input: {
          path: pathOf([section, ...keys]),
          value,
          level: at === undefined && section === 'kubernetes' ? 'default' : 'cluster',
          position: at === undefined ? undefined : formatPosition(at),
        },
        views: others(value).map((other) => (): HostDesired => {
          const changed = { ...inventory, [section]: put(inventory[section], keys, other) };
          return fleet.with(changed, false).of(host);
        }),
      };
    }
  }
  for (const [keys, value] of leaves(facts.get(host.name), [])) {
    yield {
      input: { path: pathOf(['facts', ...keys]), value, level: 'facts', position: undefined },
      views: others(value).map((other) => (): HostDesired => {
        const changed = put(facts.get(host.name), keys, other) as never;
        return fleet.withFacts(new Map(facts).set(host.name, changed)).of(host);
      }),
    };
  }
  yield {
    input: {
      path: 'hosts',
      value: `${inventory.hosts.length} hosts`,
      level: 'the other hosts of the inventory',
      position: inventory.path,
    },
    views: [() => fleet.with({ ...inventory, hosts: [host] }, false).of(host)],
  };
}

const pathOf = (keys: readonly string[]): string =>
  keys.reduce((path, key) => childPath(path, key), '');

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function* leaves(
  value: unknown,
  keys: readonly string[],
): Generator<readonly [readonly string[], unknown]> {
  if (!isMap(value)) {
    if (value !== undefined) yield [keys, value];
    return;
  }
  for (const [key, entry] of Object.entries(value)) yield* leaves(entry, [...keys, key]);
}

function put(value: unknown, [key, ...rest]: readonly string[], entry: unknown): unknown {
  if (key === undefined) return entry;
  const map = isMap(value) ? value : {};
  return { ...map, [key]: put(map[key], rest, entry) };
}

/** Values to try in place of one. Each is of the same type: a runbook may take no other. */
function others(value: unknown): readonly Json[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') return [value + 1, value - 1];
  if (Array.isArray(value)) {
    if (value.length > 0) return [[]];
    return [['skerry-probe'], ['192.0.2.99']];
  }
  if (typeof value !== 'string') return [];
  if (value === 'debian') return ['redhat'];
  if (/^\d+(\.\d+)+/.test(value)) {
    return [value.replace(/\d+/, (first) => String(Math.max(1, Number(first) - 3))), `${value}1`];
  }
  return value === 'redhat' ? ['debian'] : [`${value}x`, 'other', '1'];
}
