import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { ArtifactFile } from '@skerry/steps';
import type { Plan } from './plan.ts';
import type { RunRequest } from './request.ts';

export type GivenBundle = NonNullable<RunRequest['bundle']>;

/**
 * Throws, with all findings, where a plan needs artifacts that the run cannot bring: there is no
 * bundle, it is not the one that the plan was made with, or a file of it is missing or cut off. What
 * the files hold is compared by each host when they have come.
 */
export async function demandArtifacts(plan: Plan, bundle: RunRequest['bundle']): Promise<void> {
  const needed = new Map<string, ArtifactFile>();
  for (const { plays } of plan.hosts) {
    for (const { steps } of plays) {
      for (const { converge } of steps) {
        for (const file of converge.artifacts ?? []) needed.set(file.sha256, file);
      }
    }
  }
  if (needed.size === 0) return;
  if (bundle === undefined) {
    const [first] = needed.values();
    throw new DiagnosticError({
      code: 'no-bundle',
      severity: 'error',
      what: `the plan needs ${needed.size} artifacts of a bundle, such as ${first?.path}, and this run has none`,
      fix: 'give the bundle that the plan was made with: --bundle DIR',
    });
  }
  const findings = await Promise.all([...needed.values()].map((file) => findingOf(file, bundle)));
  const found = findings.filter((finding) => finding !== undefined);
  if (found.length > 0) throw new DiagnosticError(found);
}

/** Where a file of a plan lies in the bundle that is at hand; undefined where it does not. */
export function pathIn(
  { folder, index }: GivenBundle,
  { sha256 }: ArtifactFile,
): string | undefined {
  const artifact = index.artifacts.find((candidate) => candidate.sha256 === sha256);
  return artifact === undefined ? undefined : join(folder, artifact.path);
}

async function findingOf(file: ArtifactFile, bundle: GivenBundle): Promise<Diagnostic | undefined> {
  const path = pathIn(bundle, file);
  if (path === undefined) {
    return {
      code: 'other-bundle',
      severity: 'error',
      what: `the bundle in ${bundle.folder} does not have what the plan needs: ${file.path}`,
      why: `none of its artifacts has the digest ${file.sha256}`,
      fix: 'give the bundle that the plan was made with, or plan again with this one',
    };
  }
  const fix = `see what else is wrong with: bootstrap bundle verify ${bundle.folder}`;
  try {
    const { size } = await stat(path);
    if (size === file.size) return undefined;
    return {
      code: 'bundle-broken',
      severity: 'error',
      what: `${path} has ${size} bytes, and bundle.json says ${file.size}`,
      why:
        size < file.size ? 'the file is cut off' : 'the file was changed after the bundle was made',
      fix,
    };
  } catch (error) {
    return {
      code: 'bundle-broken',
      severity: 'error',
      what: `${path} of the bundle cannot be read`,
      why: error instanceof Error ? error.message : String(error),
      fix,
    };
  }
}
