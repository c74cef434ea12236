import { DiagnosticError, type ExitCode } from '@skerry/diagnostics';
import type { RunOptions } from '../options.ts';
import { checkPlan, openPlan } from '../plan-file/open.ts';
import { run } from './run.ts';

export interface ApplyPlanOptions extends RunOptions {
  /** Seconds; a day by default. */
  readonly maxAge?: number;
  readonly inventory?: string;
}

/** What only a saved plan has must not be dropped in silence where there is none. */
export function refusePlanOptions(path: string, options: ApplyPlanOptions): void {
  const given = [
    ...(options.maxAge === undefined ? [] : ['--max-age']),
    ...(options.inventory === undefined ? [] : ['--inventory']),
  ];
  if (given.length === 0) return;
  throw new DiagnosticError({
    code: 'no-plan',
    severity: 'error',
    what: `${given.join(' and ')} can only be given with a saved plan, and ${path} is an inventory`,
    fix: `leave ${given.length > 1 ? 'them' : 'it'} out, or name the plan: bootstrap apply PLAN.json`,
  });
}

/** `apply PLAN`: exactly the saved plan, or nothing. */
export async function applyPlan(path: string, options: ApplyPlanOptions): Promise<ExitCode> {
  const { limit: givenLimit, tags: givenTags, ...rest } = options;
  if (givenLimit !== undefined || givenTags !== undefined) {
    throw new DiagnosticError({
      code: 'plan-selection',
      severity: 'error',
      what: 'a saved plan is applied as a whole: --limit and --tags cannot be given',
      why: 'what was reviewed is what is done',
      fix: 'plan the part that you want, with --limit or --tags and --out',
    });
  }
  if (options.dryRun === true || options.check === true) {
    throw new DiagnosticError({
      code: 'plan-dry-run',
      severity: 'error',
      what: 'a saved plan is a dry run already: --dry-run and --check cannot be given',
      fix: `look at it with: bootstrap show ${path}`,
    });
  }
  const saved = await openPlan(path);
  const { inventory: named, maxAge = 86_400 } = options;
  const sources = await checkPlan(saved, {
    path,
    maxAge,
    ...(named === undefined ? {} : { inventory: named }),
  });
  const { limit, tags } = saved.file.selection;
  return run({
    mode: 'apply',
    ...sources,
    saved,
    options: {
      ...rest,
      ...(limit === undefined ? {} : { limit }),
      ...(tags === undefined ? {} : { tags }),
    },
  });
}
