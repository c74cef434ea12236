import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { didYouMean, DiagnosticError } from '@skerry/diagnostics';
import { checkSerial } from './batches.ts';
import type { Play, Runbook } from './dsl.ts';
import { notBeside } from './side-by-side.ts';

let hooked = false;

/**
 * Lets a runbook anywhere on disk import `@skerry/*`: a name that cannot be found from there is
 * looked for from here, the tool's own installation.
 */
function shareOwnPackages(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!specifier.startsWith('@skerry/')) return nextResolve(specifier, context);
      try {
        return nextResolve(specifier, context);
      } catch {
        return nextResolve(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

/**
 * Loads a runbook: a TypeScript (or JavaScript) module whose default export is made by `runbook()`.
 * Node strips the types, so nothing is built. `lookedFor`: the paths that were tried, for the error
 * where there is none.
 */
export async function loadRunbook(
  path: string,
  lookedFor: readonly string[] = [resolve(path)],
): Promise<Runbook> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new DiagnosticError({
      code: 'runbook-missing',
      severity: 'error',
      what: `there is no runbook ${path}`,
      why: `looked for ${lookedFor.join(', ')}`,
      fix: 'give the path of a .ts file, or the name of one in runbooks/',
    });
  }
  shareOwnPackages();
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw loadError(path, file, error);
  }
  return checkRunbook(path, module.default);
}

function loadError(path: string, file: string, error: unknown): DiagnosticError {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = new RegExp(`${RegExp.escape(file)}:(\\d+)(?::(\\d+))?`).exec(stack);
  const at =
    place === null
      ? {}
      : { at: { file: path, line: Number(place[1]), column: Number(place[2] ?? 1) } };
  return new DiagnosticError({
    code: 'runbook-error',
    severity: 'error',
    what: `the runbook ${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    ...at,
    fix: 'mend the module; it must load without effects and only export a runbook',
  });
}

const playKeys = ['hosts', 'serial', 'tags', 'when', 'maxFailPercentage', 'alongside', 'become'];

interface Finding {
  readonly what: string;
  readonly fix: string;
}

const asWritten = "write: play('…', { hosts: 'all' }, ({ host }) => [ … ])";

function checkPlay(play: Partial<Play> | null | undefined, index: number): Finding[] {
  if (typeof play?.name !== 'string') {
    return [{ what: `entry ${index + 1} of plays is no play`, fix: asWritten }];
  }
  const { name, body } = play;
  const found: Finding[] = [];
  const options: Partial<Record<string, unknown>> = { ...play.options };
  if (typeof body !== 'function' || typeof options['hosts'] !== 'string') {
    found.push({ what: `play "${name}" has no hosts or no steps`, fix: asWritten });
  }
  for (const key of Object.keys(options)) {
    if (playKeys.includes(key)) continue;
    found.push({
      what: `play "${name}" has an unknown option "${key}"`,
      fix: didYouMean(key, playKeys) ?? `the options are ${playKeys.join(', ')}`,
    });
  }
  if (play.options?.serial !== undefined) {
    try {
      checkSerial(play.options.serial);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const { what, fix = '' } of error.diagnostics) {
        found.push({ what: `play "${name}": ${what}`, fix });
      }
    }
  }
  const share = play.options?.maxFailPercentage;
  if (share !== undefined && !(share >= 0 && share <= 100)) {
    found.push({
      what: `play "${name}": maxFailPercentage: ${JSON.stringify(share)} is no percentage`,
      fix: 'write a number from 0 (stop at the first failure) to 100 (the others go on)',
    });
  }
  return found;
}

function strayed(plays: readonly Play[]): Finding[] {
  return notBeside(plays).map(({ play: { name, options }, before }) => {
    const { alongside = '' } = options;
    return {
      what: `play "${name}" is to run alongside "${alongside}", which does not stand right before it`,
      fix:
        before === undefined
          ? 'the first play can run alongside none'
          : (didYouMean(alongside, [before]) ??
            `put it right behind that play, or write: alongside: '${before}'`),
    };
  });
}

/** Types are not checked when a file is loaded, so its shape is: every finding at once. */
function checkRunbook(path: string, value: unknown): Runbook {
  const found: Finding[] = [];
  const candidate = value as Partial<Runbook> | undefined;
  if (typeof candidate?.name !== 'string' || !Array.isArray(candidate.plays)) {
    found.push({
      what: `${path} does not export a runbook`,
      fix: 'write: export default runbook({ name, description, plays: [ play(…) ] })',
    });
  } else {
    const seen = new Set<string>();
    for (const [index, play] of (candidate.plays as (Partial<Play> | null)[]).entries()) {
      const name = String(play?.name);
      if (seen.has(name)) {
        found.push({ what: `two plays are called "${name}"`, fix: 'give each play its own name' });
      }
      seen.add(name);
      found.push(...checkPlay(play, index));
    }
  }
  if (found.length === 0) found.push(...strayed((candidate as Runbook).plays));
  if (found.length === 0) return value as Runbook;
  throw new DiagnosticError(
    found.map((finding) => ({
      code: 'bad-runbook',
      severity: 'error' as const,
      at: { file: path, line: 1, column: 1 },
      ...finding,
    })),
  );
}
