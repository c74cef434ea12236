import { DiagnosticError } from '@skerry/diagnostics';
import type { Fragment, PlainArg } from '@skerry/steps';
import type { HandlerPlan, Plan, PlayPlan, StepPlan } from '../plan.ts';
import type { PlainFileArg, PlanFile } from './schema.ts';

type FileFragment = PlanFile['steps'][number]['converge'];

/**
 * The plan in a file, what is shared put back in its places (the same value, not copies of it).
 * Throws a DiagnosticError where an index points to nothing.
 */
export function decodePlan(file: PlanFile): Plan {
  const text = (index: number): string => entry('texts', file.texts, index);
  const plain = (arg: PlainFileArg): PlainArg => {
    if ('text' in arg) return text(arg.text);
    return 'sha256Of' in arg
      ? { sha256Of: text(arg.sha256Of) }
      : { sha256OfBase64: text(arg.sha256OfBase64) };
  };
  const fragment = ({ code, args, artifacts }: FileFragment): Fragment => ({
    code: text(code),
    args: args.map((arg) =>
      'readOn' in arg
        ? { readOn: arg.readOn, fragment: { code: text(arg.code), args: arg.args.map(plain) } }
        : plain(arg),
    ),
    ...(artifacts === undefined ? {} : { artifacts }),
  });
  const steps = file.steps.map((step): StepPlan => ({
    ...step,
    changes: step.changes.map(({ diff, subject, action, before, after, why, fix }) => ({
      subject,
      action,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(diff === undefined ? {} : { diff: text(diff) }),
      ...(why === undefined ? {} : { why }),
      ...(fix === undefined ? {} : { fix }),
    })),
    converge: fragment(step.converge),
  }));
  const handlers = file.handlers.map((handler): HandlerPlan => ({
    ...handler,
    fragment: fragment(handler.fragment),
  }));
  const plays = file.plays.map((play): PlayPlan => ({
    ...play,
    steps: play.steps.map((index) => entry('steps', steps, index)),
    handlers: play.handlers.map((index) => entry('handlers', handlers, index)),
  }));
  return {
    schema: 1,
    runbook: file.runbook.name,
    cluster: file.cluster,
    order: file.runbook.order,
    hosts: file.hosts.map(({ host, plays: indices }) => ({
      host,
      plays: indices.map((index) => entry('plays', plays, index)),
    })),
  };
}

/** By `play › step`: the fingerprint of what was observed on a host. */
export function observedOn(file: PlanFile, host: PlanFile['hosts'][number]): Map<string, string> {
  return new Map(
    host.observed.map((index) => {
      const { step, fingerprint } = entry('observations', file.observations, index);
      return [step, fingerprint];
    }),
  );
}

function entry<T>(table: string, entries: readonly T[], index: number): T {
  const found = entries[index];
  if (found !== undefined) return found;
  throw new DiagnosticError({
    code: 'plan-malformed',
    severity: 'error',
    what: `the plan refers to entry ${index} of "${table}", which has ${entries.length}`,
    why: 'it was not written by Skerry, or was changed since',
    fix: 'make it again with: bootstrap plan INVENTORY --out FILE',
  });
}
