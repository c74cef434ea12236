import { didYouMean, DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import {
  stepId,
  type AnyStepKind,
  type Bundle,
  type Handler,
  type ResolveContext,
  type Step,
} from '@skerry/steps';
import { checkAlongside } from './check-alongside.ts';
import { checkHandlers } from './check-handlers.ts';
import type { CheckedDesires } from './checked-desires.ts';
import type { Play, PlayContext, Runbook } from './dsl.ts';
import type { Facts } from './facts.ts';
import { placeOf } from './step-place.ts';
import { wrongValue } from './wrong-value.ts';

/** A step as the engine works with it: desired state checked, names instead of references. */
export interface ExpandedStep {
  readonly id: string;
  readonly kind: AnyStepKind;
  readonly desired: unknown;
  readonly notify: readonly Handler[];
  /** Ids of steps of the same host, in this play or an earlier one. */
  readonly needs: readonly string[];
}

export interface ExpandedPlay {
  readonly play: string;
  readonly become: boolean;
  readonly steps: readonly ExpandedStep[];
  readonly skipped: readonly string[];
}

export interface ExpandRequest {
  readonly runbook: Runbook;
  readonly inventory: Inventory;
  readonly host: Host;
  readonly facts: Facts;
  /** Facts of every host that is known, this one among them. */
  readonly fleet: ReadonlyMap<string, Facts>;
  /** By play: the names of the hosts that its `hosts` selects. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  readonly tags: readonly string[] | undefined;
  /** That all steps were run already: see `PlayContext.isComing`. */
  readonly isDone?: boolean;
  /** Gets every tag that a step has, also of steps that `tags` leaves out. */
  readonly knownTags?: Set<string>;
  readonly resolve: ResolveContext;
  readonly bundle?: Bundle;
  /** Makes equal secrets equal: see SecretBook.canonical. */
  readonly canonical: (text: string) => string;
  /** Shared by the hosts of one run, which all have the same `canonical`. */
  readonly checked?: CheckedDesires;
}

/** Expands a runbook for one host: the plays that it takes part in, as steps. Pure. */
export function expand(request: ExpandRequest): ExpandedPlay[] {
  const { runbook, inventory, host, facts, fleet, members, tags } = request;
  const context: PlayContext = {
    host: { ...host, facts },
    cluster: inventory.cluster,
    inventory,
    fleet,
    isComing: (tag, name = host.name) =>
      request.isDone !== true &&
      (tags === undefined || tags.includes(tag)) &&
      [...members.values()].some((hosts) => hosts.has(name)),
    ...(request.bundle === undefined ? {} : { bundle: request.bundle }),
  };
  const seen = new Set<string>();
  const unmet: Unmet[] = [];
  const plays: ExpandedPlay[] = [];
  for (const play of runbook.plays) {
    const { name, options, body } = play;
    if (members.get(name)?.has(host.name) !== true) continue;
    const where = { host: host.name, step: name };
    if (options.when !== undefined && !guarded(where, () => options.when?.(context))) continue;
    const skipped: string[] = [];
    const steps: ExpandedStep[] = [];
    for (const step of guarded(where, () => body(context))) {
      const id = stepId(step);
      const stepTags = [...(options.tags ?? []), ...(step.options.tags ?? [])];
      for (const tag of step.options.tags ?? []) request.knownTags?.add(tag);
      if (tags !== undefined && !tags.some((tag) => stepTags.includes(tag))) continue;
      if (step.options.when === false) {
        skipped.push(id);
        continue;
      }
      if (seen.has(id)) {
        throw new DiagnosticError({
          code: 'duplicate-step',
          severity: 'error',
          what: `two steps are called "${id}"`,
          at: where,
          fix: 'give each step of a runbook its own name',
        });
      }
      const place = { host: host.name, step: `${name} › ${id}` };
      const needs = listOf(step.options.needs).map(stepId);
      steps.push({
        id,
        kind: step.kind,
        desired: desiredOf(play, step, request, place),
        notify: checkHandlers(listOf(step.options.notify), place),
        needs: needs.filter((need) => seen.has(need)),
      });
      for (const need of needs) if (!seen.has(need)) unmet.push({ where: place, id, need });
      seen.add(id);
    }
    plays.push({ play: name, become: options.become ?? true, steps, skipped });
  }
  refuseOtherHandlers(host.name, plays);
  // One that this host does not get is no need; one that comes later is a mistake.
  const later = unmet.filter(({ need }) => seen.has(need));
  if (later.length > 0) throw new DiagnosticError(later.map(needLater));
  checkAlongside(host.name, runbook.plays, plays);
  return plays;
}

/** Two handlers with one id: only one of them would run. */
function refuseOtherHandlers(host: string, plays: readonly ExpandedPlay[]): void {
  for (const { play, steps } of plays) {
    const known = new Map<string, Handler>();
    for (const step of steps) {
      for (const handler of step.notify) {
        const other = known.get(handler.id) ?? handler;
        known.set(handler.id, other);
        if (other === handler) continue;
        if (JSON.stringify(other.fragment) === JSON.stringify(handler.fragment)) continue;
        throw new DiagnosticError({
          code: 'handler-conflict',
          severity: 'error',
          what: `two handlers that do different things are called "${handler.id}"`,
          at: { host, step: `${play} › ${step.id}` },
          fix: 'give each handler of a play its own id',
        });
      }
    }
  }
}

/** A step with a need that its place in the runbook does not meet. */
interface Unmet {
  readonly where: { readonly host: string; readonly step: string };
  readonly id: string;
  readonly need: string;
}

function needLater(found: Unmet): Diagnostic {
  return {
    code: 'need-later',
    severity: 'error',
    what: `"${found.id}" needs "${found.need}", which comes after it`,
    at: found.where,
    why: 'steps run in the order in which they stand',
    fix: 'put the step that is needed first',
  };
}

function desiredOf(
  play: Play,
  step: Step,
  request: ExpandRequest,
  where: { host: string; step: string },
): unknown {
  const raw = guarded(where, () => resolved(play, step, request, where));
  const check = (): unknown => checkDesired(play, step, mapStrings(raw, request.canonical), where);
  return request.checked?.of(stepId(step), raw, check) ?? check();
}

/** What is wrong in a template or a file is told with its place there, and with who asked for it. */
function resolved(
  play: Play,
  step: Step,
  request: ExpandRequest,
  where: { host: string; step: string },
): unknown {
  try {
    return step.resolve?.(request.resolve) ?? step.desired;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const place = placeOf(play, step);
    const asked = `asked for by ${where.step}${place === undefined ? '' : ` (${place})`}`;
    throw new DiagnosticError(
      error.diagnostics.map((diagnostic) => ({
        ...diagnostic,
        at: diagnostic.at ?? where,
        why: diagnostic.why === undefined ? asked : `${diagnostic.why}; ${asked}`,
      })),
      error.exitCode,
    );
  }
}

function checkDesired(
  play: Play,
  step: Step,
  raw: unknown,
  where: { host: string; step: string },
): unknown {
  const result = step.kind.schema.safeParse(raw);
  if (result.success) return result.data;
  const place = placeOf(play, step);
  throw new DiagnosticError(
    result.error.issues.flatMap((issue) => {
      const of = `see the options of the step kind "${step.kind.kind}"`;
      const about = {
        code: 'bad-step',
        severity: 'error' as const,
        at: where,
        ...(place === undefined ? {} : { why: `asked for in ${place}` }),
      };
      if (issue.code === 'unrecognized_keys') {
        const known = optionsOf(step);
        return issue.keys.map((key) => ({
          ...about,
          what: `${step.kind.kind} has no option "${[...issue.path, key].join('.')}"`,
          fix: (issue.path.length === 0 ? didYouMean(key, known) : undefined) ?? of,
        }));
      }
      return [{ ...about, fix: of, ...wrongValue(issue, raw, step.kind.kind) }];
    }),
  );
}

/** The names of all options that a step of this kind can be given. */
function optionsOf(step: Step): readonly string[] {
  const { shape = {} } = step.kind.schema as { readonly shape?: object };
  return [...Object.keys(shape), 'notify', 'needs', 'tags', 'when'];
}

/** Runs code of a runbook's author: what it throws is told with the place in the runbook. */
function guarded<T>(where: { host: string; step: string }, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const frame = /\(?(file:\/\/[^\s)]+:\d+:\d+|\/[^\s)]+:\d+:\d+)\)?/.exec(stack)?.[1];
    throw new DiagnosticError({
      code: 'runbook-error',
      severity: 'error',
      what: error instanceof Error ? error.message : String(error),
      at: where,
      ...(frame === undefined ? {} : { why: `thrown at ${frame.replace('file://', '')}` }),
      fix: 'mend the runbook: expanding it must not fail for any host it selects',
    });
  }
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]),
    );
  }
  return value;
}
