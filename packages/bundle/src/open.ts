import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Artifact, Bundle } from '@skerry/steps';
import { bundleSchema } from './schema.ts';

/** The name of the index in the folder of a bundle. */
export const indexName = 'bundle.json';

/** A bundle on this machine: its folder, and what its index says. */
export interface OpenBundle {
  readonly folder: string;
  readonly index: Bundle;
}

/**
 * Reads the index of a bundle; the artifacts themselves are not touched. Throws a DiagnosticError
 * with everything that is wrong with the index.
 */
export async function openBundle(folder: string): Promise<OpenBundle> {
  const file = join(folder, indexName);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new DiagnosticError({
      code: 'bundle-missing',
      severity: 'error',
      what: `there is no bundle in ${folder}`,
      why: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'name the folder that holds bundle.json, or make one: bootstrap bundle create INVENTORY --out DIR',
    });
  }
  const malformed = (findings: readonly string[]): DiagnosticError =>
    new DiagnosticError(
      findings.map((what): Diagnostic => ({
        code: 'bundle-malformed',
        severity: 'error',
        what: `${file}: ${what}`,
        fix: 'make the bundle again: bootstrap bundle create INVENTORY --out DIR',
      })),
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed([`no JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const result = bundleSchema.safeParse(value);
  if (!result.success) {
    throw malformed(
      result.error.issues.map((issue) => `${placeOf(issue.path, value)}${issue.message}`),
    );
  }
  const twice = conflicts(result.data.artifacts);
  if (twice.length > 0) throw malformed(twice);
  return { folder, index: result.data };
}

/** `artifacts[3] (kubelet) sha256: `. */
function placeOf(path: readonly PropertyKey[], value: unknown): string {
  const [first, index, ...rest] = path;
  if (first !== 'artifacts' || typeof index !== 'number') {
    return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  }
  const artifact = (value as { artifacts: readonly { name?: unknown }[] }).artifacts[index];
  const name = typeof artifact?.name === 'string' ? ` (${artifact.name})` : '';
  const key = rest.length === 0 ? '' : ` ${rest.map(String).join('.')}`;
  return `artifacts[${index}]${name}${key}: `;
}

/** What the index says in two ways: one path with two digests, one name with two contents. */
function conflicts(artifacts: readonly Artifact[]): string[] {
  const found: string[] = [];
  const paths = new Map<string, Artifact>();
  const names = new Map<string, Artifact>();
  for (const artifact of artifacts) {
    const { path, sha256, size } = artifact;
    const other = paths.get(path) ?? artifact;
    paths.set(path, other);
    if (other.sha256 !== sha256 || other.size !== size) {
      found.push(`${path} stands there twice, with different digests or sizes`);
    }
    const key = [artifact.kind, callName(artifact), artifact.architecture ?? ''].join(' ');
    const namesake = names.get(key);
    names.set(key, artifact);
    if (namesake !== undefined) {
      found.push(`the ${artifact.kind} ${callName(artifact)} stands there twice`);
    }
  }
  return found;
}

/** By what an artifact is asked for. */
function callName(artifact: Artifact): string {
  if (artifact.kind === 'image') return artifact.reference;
  return artifact.kind === 'file' ? artifact.install : artifact.name;
}
