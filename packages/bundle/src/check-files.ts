import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Artifact } from '@skerry/steps';
import type { OpenBundle } from './open.ts';

/**
 * Throws, with all findings, where a file of the bundle is missing or has another size than its index
 * says. Digests are left to `verifyBundle`, and to the hosts: hashing a GiB takes seconds.
 */
export async function checkFiles(bundle: OpenBundle): Promise<void> {
  const { folder, index } = bundle;
  const found = await Promise.all(index.artifacts.map((artifact) => sizeFinding(folder, artifact)));
  const findings = found.filter((finding) => finding !== undefined);
  if (findings.length > 0) throw new DiagnosticError(findings);
}

/** What is wrong with an artifact as far as the folder tells without reading it. */
export async function sizeFinding(
  folder: string,
  artifact: Artifact,
): Promise<Diagnostic | undefined> {
  const { path, size } = artifact;
  const what = describe(artifact);
  try {
    const file = await stat(join(folder, path));
    if (!file.isFile()) return finding('bundle-other', `${what} is no file: ${path}`, folder);
    if (file.size === size) return undefined;
    const found = `${what} has ${file.size} bytes, and bundle.json says ${size}: ${path}`;
    return file.size < size
      ? finding('bundle-truncated', found, folder, 'the file is cut off')
      : finding('bundle-other', found, folder, 'it was changed after the bundle was made');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return finding('bundle-file-missing', `${what} is missing: ${path}`, folder);
    }
    const why = error instanceof Error ? error.message : String(error);
    return finding('bundle-unreadable', `${what} cannot be read: ${path}`, folder, why);
  }
}

/** `image registry.k8s.io/pause:3.10.1`, `file kubelet 1.36.3`. */
export function describe(artifact: Artifact): string {
  return artifact.kind === 'image'
    ? `image ${artifact.reference}`
    : `${artifact.kind} ${artifact.name} ${artifact.version}`;
}

export function finding(code: string, what: string, folder: string, why?: string): Diagnostic {
  return {
    code,
    severity: 'error',
    what,
    ...(why === undefined ? {} : { why }),
    fix: `copy the bundle again, or complete it: bootstrap bundle create INVENTORY --out ${folder}`,
  };
}
