import { createReadStream } from 'node:fs';
import type { SecretBook, UploadFile, UploadResult } from '@skerry/executor';
import { artifactStore, sh, type ArtifactFile } from '@skerry/steps';
import { pathIn, type GivenBundle } from './artifact-supply.ts';
import type { RunEvent } from './events.ts';
import { HostFailure, hostFailure, type HostLink } from './host-link.ts';
import { toPart } from './parts.ts';

interface PlaceContext {
  readonly link: HostLink;
  readonly secrets: SecretBook;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly bundle: GivenBundle | undefined;
}

/** Where a machine may have artifacts already: the lab attaches a disk with them here. */
const seedFolder = '/var/lib/skerry/seed';

/** Milliseconds between two events about one file. */
const tellEvery = 1000;

/** Milliseconds for asking what is there: no file is read for it. */
const askDeadline = 120_000;

// Only a run that holds the lock comes here: what is half there, or was not used for a week, is left
// of one that was cut off.
const ask = `
store=$1 seed=$2; shift 2
umask 077
mkdir -p "$store" || exit 1
find "$store" -maxdepth 1 -name '*.part' -exec rm -f {} +
find "$store" -maxdepth 1 ! -type d -mtime +6 -exec rm -f {} +
for sum; do
  [ -f "$store/$sum" ] && continue
  if [ -f "$seed/$sum" ]; then ln -sf "$seed/$sum" "$store/$sum" || exit 1
  else echo "missing $sum"
  fi
done
set -- $(df -Pk "$store" | tail -n 1)
echo "free $4"
`;

/**
 * Makes sure that artifacts lie in the store of a host: asks once which are missing, and sends those.
 * Throws a HostFailure that names the file; the step that needs them has changed nothing then.
 */
export async function placeArtifacts(
  context: PlaceContext,
  step: { readonly play: string; readonly id: string },
  artifacts: readonly ArtifactFile[],
): Promise<void> {
  const wanted = [...new Map(artifacts.map((file) => [file.sha256, file])).values()];
  if (wanted.length === 0) return;
  // Whoever asks takes away what is half there.
  await context.link.inTurn(() => place(context, step, wanted));
}

async function place(
  context: PlaceContext,
  step: { readonly play: string; readonly id: string },
  wanted: readonly ArtifactFile[],
): Promise<void> {
  const at = `${step.play} › ${step.id}`;
  const missing = await missingOf(context, at, wanted);
  if (missing.length === 0) return;
  const files = missing.map((file): UploadFile => {
    const path = context.bundle === undefined ? undefined : pathIn(context.bundle, file);
    if (path === undefined) throw notInBundle(context.bundle, at, file);
    const { sha256, size } = file;
    // One byte more than it should have: a file that grew is found out.
    const open = () => createReadStream(path, { end: size });
    return { path: `${artifactStore}/${sha256}`, sha256, size, open };
  });
  const { link, signal } = context;
  const onProgress = teller(context, step.id, missing);
  const result = await link.upload(files, { signal, onProgress }).catch((error: unknown) => {
    throw hostFailure(error, signal.aborted ? 'aborted' : 'failed');
  });
  if (result.outcome !== 'stored') throw failureOf(result, missing, at, context.bundle?.folder);
}

async function missingOf(
  { link, secrets, signal }: PlaceContext,
  at: string,
  wanted: readonly ArtifactFile[],
): Promise<readonly ArtifactFile[]> {
  const question = sh(ask, artifactStore, seedFolder, ...wanted.map(({ sha256 }) => sha256));
  const result = await link.run(true, [toPart(question, secrets)], {
    deadline: askDeadline,
    signal,
  });
  const [part] = result.parts;
  if (result.outcome !== 'exited' || part?.code !== 0) {
    throw new HostFailure(result.outcome === 'aborted' ? 'aborted' : 'failed', {
      code: 'artifact-store',
      what: `it could not be seen which artifacts lie in ${artifactStore}`,
      step: at,
      why: result.outcome === 'exited' ? part?.stderr.trim() || 'no answer' : result.reason,
      fix: 'mend what the reason names and run apply again; this step has changed nothing',
    });
  }
  const lines = part.stdout.split('\n');
  const missing = wanted.filter(({ sha256 }) => lines.includes(`missing ${sha256}`));
  const free = Number(/^free (\d+)$/m.exec(part.stdout)?.[1] ?? Number.NaN) * 1024;
  const needed = missing.reduce((sum, { size }) => sum + size, 0);
  if (needed <= free || Number.isNaN(free)) return missing;
  throw new HostFailure('failed', {
    code: 'no-space',
    what: `there is no room for ${missing.length} artifacts in ${artifactStore}`,
    step: at,
    why: `they have ${mebibytes(needed)} MiB, and ${mebibytes(free)} MiB are free`,
    fix: 'make room on that filesystem and run apply again; this step has changed nothing',
  });
}

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

function teller(
  { link, emit }: PlaceContext,
  step: string,
  files: readonly ArtifactFile[],
): (file: number, bytes: number) => void {
  const before = files.map((_, index) =>
    files.slice(0, index).reduce((sum, { size }) => sum + size, 0),
  );
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let told = { file: -1, at: 0 };
  const tell = (file: number, bytes: number): void => {
    told = { file, at: performance.now() };
    const sent = (before[file] ?? 0) + bytes;
    const { path = '' } = files[file] ?? {};
    const about = { host: link.host, step, path, file: file + 1, files: files.length };
    emit({ type: 'sending', ...about, sent, total });
  };
  tell(0, 0);
  return (file, bytes) => {
    if (file !== told.file || performance.now() - told.at >= tellEvery) tell(file, bytes);
  };
}

function notInBundle(
  bundle: GivenBundle | undefined,
  step: string,
  file: ArtifactFile,
): HostFailure {
  return new HostFailure('failed', {
    code: 'other-bundle',
    what: `this step needs ${file.path} of a bundle`,
    step,
    why:
      bundle === undefined
        ? 'this run has no bundle'
        : `the bundle in ${bundle.folder} has nothing with the digest ${file.sha256}`,
    fix: 'run plan again with the bundle that is to be used: --bundle DIR',
  });
}

function failureOf(
  result: Exclude<UploadResult, { outcome: 'stored' }>,
  files: readonly ArtifactFile[],
  step: string,
  folder = '',
): HostFailure {
  const { path = '' } = files[result.file] ?? {};
  const { outcome, reason } = result;
  const broken = outcome === 'failed' && /digest|bytes were to be sent/.test(reason);
  return new HostFailure(outcome === 'aborted' ? 'aborted' : 'failed', {
    code: outcome === 'failed' ? 'artifact-not-placed' : `upload-${outcome}`,
    what: `${path} of the bundle could not be brought to the host`,
    step,
    why: reason,
    fix: broken
      ? `the bundle is not what its index says; look with: bootstrap bundle verify ${folder}`
      : 'mend what the reason names and run apply again: it sends what is still missing',
  });
}
