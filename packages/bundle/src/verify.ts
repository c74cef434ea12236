import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Artifact, Bundle } from '@skerry/steps';
import { describe, finding, sizeFinding } from './check-files.ts';
import { fileDigest } from './file-digest.ts';
import { inParallel } from './in-parallel.ts';
import { readImageArchive } from './oci/archive.ts';
import { indexName, openBundle } from './open.ts';

export interface VerifiedBundle {
  readonly index: Bundle;
  /** Errors for what cannot be used, warnings for what does not belong there. */
  readonly findings: readonly Diagnostic[];
  /** Bytes that were read. */
  readonly bytes: number;
}

export interface VerifyOptions {
  /** Files that are read at the same time; as many as there are processors. */
  readonly parallel?: number;
  /** Told of each artifact that has been looked at. */
  readonly onArtifact?: (artifact: Artifact) => void;
}

/**
 * Reads every artifact of a bundle to its end and compares it with the index: digest and size, and
 * for images that the archive is whole and holds the manifest that the index names. Gives all findings
 * of one run. Throws a DiagnosticError only where there is no index that can be read.
 */
export async function verifyBundle(
  folder: string,
  options: VerifyOptions = {},
): Promise<VerifiedBundle> {
  const { index } = await openBundle(folder);
  let bytes = 0;
  const found = await inParallel(
    index.artifacts,
    options.parallel ?? availableParallelism(),
    async (artifact) => {
      const wrong =
        (await sizeFinding(folder, artifact)) ?? (await contentFinding(folder, artifact));
      bytes += artifact.size;
      options.onArtifact?.(artifact);
      return wrong;
    },
  );
  const findings = found.filter((one) => one !== undefined);
  return { index, findings: [...findings, ...(await strangers(folder, index))], bytes };
}

async function contentFinding(folder: string, artifact: Artifact): Promise<Diagnostic | undefined> {
  const path = join(folder, artifact.path);
  const what = describe(artifact);
  try {
    const sha256 = await fileDigest(path);
    if (sha256 !== artifact.sha256) {
      const why = `its digest is ${sha256}, and bundle.json says ${artifact.sha256}`;
      return finding(
        'bundle-digest',
        `${what} is not what was bundled: ${artifact.path}`,
        folder,
        why,
      );
    }
    if (artifact.kind !== 'image') return undefined;
    const { images } = await readImageArchive(path);
    if (images.some(({ digest }) => digest === artifact.digest)) return undefined;
    const why = `it holds ${images.map(({ digest }) => digest).join(', ')}, and bundle.json says ${artifact.digest}`;
    return finding('bundle-digest', `${what} holds another image: ${artifact.path}`, folder, why);
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics[0];
    const why = error instanceof Error ? error.message : String(error);
    return finding('bundle-unreadable', `${what} cannot be read: ${artifact.path}`, folder, why);
  }
}

/** Files in the folder that the index does not name. */
async function strangers(folder: string, index: Bundle): Promise<Diagnostic[]> {
  const known = new Set([indexName, ...index.artifacts.map(({ path }) => path)]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length))
    .filter((path) => !known.has(path))
    .toSorted()
    .map((path) => ({
      code: 'bundle-extra',
      severity: 'warning',
      what: `${path} is in the folder and not in bundle.json`,
      why: 'nobody has checked it, and nothing uses it',
      fix: 'remove it, or put it elsewhere',
    }));
}
