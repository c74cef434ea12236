import { DiagnosticError } from '@skerry/diagnostics';
import type { Plan } from '../plan.ts';
import { decodePlan } from './decode.ts';
import { digestOf } from './digest.ts';
import { planFileSchema, planFileVersion, type PlanFile } from './schema.ts';

/** A plan file that was read, and found whole. */
export interface SavedPlan {
  readonly file: PlanFile;
  readonly plan: Plan;
}

const makeAgain = 'make it again with: bootstrap plan INVENTORY --out FILE';

/**
 * Reads the text of a plan file. Throws a DiagnosticError for what is truncated, foreign, of another
 * schema version, malformed, or not as it was written. `path` is for the message.
 */
export function readPlanFile(text: string, path: string): SavedPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const cut = text.startsWith('{') && endsTooSoon(text, error);
    throw refusal(
      cut ? 'plan-truncated' : 'plan-not-json',
      cut ? `${path} ends in the middle: it is cut off` : `${path} is not JSON`,
      error instanceof Error ? error.message : String(error),
    );
  }
  const head = value as { format?: unknown; schema?: unknown } | null;
  if (typeof head !== 'object' || head?.format !== 'skerry-plan') {
    throw refusal(
      'plan-foreign',
      `${path} is not a plan of Skerry`,
      'its "format" is not "skerry-plan"',
    );
  }
  if (head.schema !== planFileVersion) {
    throw refusal(
      'plan-schema',
      `${path} is a plan of schema ${JSON.stringify(head.schema)}; this version reads ${planFileVersion}`,
      'another version of Skerry wrote it',
    );
  }
  // The digest before the form: who edits a plan by hand is to hear that.
  const { digest } = value as { digest?: unknown };
  if (digest !== digestOf(value as PlanFile)) {
    throw refusal(
      'plan-tampered',
      `${path} was changed after it was written`,
      'its content has another digest than the one it names',
    );
  }
  const parsed = planFileSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal(
      'plan-malformed',
      `${path} does not have the form of a plan`,
      `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  return { file: parsed.data, plan: decodePlan(parsed.data) };
}

function refusal(code: string, what: string, why: string): DiagnosticError {
  return new DiagnosticError({ code, severity: 'error', what, why, fix: makeAgain });
}

/** Whether the parser came to the end of the text, rather than to something wrong in it. */
function endsTooSoon(text: string, error: unknown): boolean {
  const place = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return place === undefined || Number(place) >= text.trimEnd().length;
}
