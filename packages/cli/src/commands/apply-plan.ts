import { DiagnosticError, type ExitCode } from '@skerry/diagnostics';
import type { RunOptions } from '../options.ts';
import { checkPlan, openPlan } from '../plan-file/open.ts';
import { run } from './run.ts';

export interface ApplyPlanOptions extends RunOptions {
  /** Seconds. */
  readonly maxAge: number;
  readonly inventory?: string;
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
  const { inventory: named, maxAge } = options;
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
