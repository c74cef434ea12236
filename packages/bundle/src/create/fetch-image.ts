import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { replaceOrigin } from '@skerry/kubernetes';
import type { Artifact } from '@skerry/steps';
import { readImageArchive } from '../oci/archive.ts';
import { fileDigest } from '../file-digest.ts';
import type { FetchOptions } from './fetch-item.ts';
import { copyPlainTar } from './plain-tar.ts';

const run = promisify(execFile);

/** Milliseconds for one image: some have half a GiB, and some lines are slow. */
const deadline = 3_600_000;

/** `registry.k8s.io/etcd:3.6.8-0` as a file name. */
const fileName = (reference: string): string =>
  `${reference.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.tar`;

/**
 * Copies an image of one architecture into an OCI archive that containerd knows by `reference`, and
 * reads it to its end. The origin has the digest that the registry gave for it. Throws with the reason.
 */
export async function fetchImage(
  reference: string,
  architecture: string,
  options: FetchOptions,
): Promise<Artifact> {
  const from = replaceOrigin(reference, options.origins);
  const plain = from.startsWith('http://');
  const remote = `docker://${from.replace(/^https?:\/\//, '')}`;
  const path = `images/${architecture}/${fileName(reference)}`;
  const target = join(options.folder, path);
  await mkdir(dirname(target), { recursive: true });
  const half = `${target}.partial`;
  const copied = `${target}.copied`;
  await Promise.all([half, copied].map((file) => rm(file, { force: true })));
  const platform = ['--override-os', 'linux', '--override-arch', architecture];
  const raw = await skopeo(
    ['inspect', '--raw', ...(plain ? ['--tls-verify=false'] : []), remote],
    options,
  );
  const upstream = createHash('sha256').update(raw).digest('hex');
  const pinned = `${remote.replace(/(?::[^/:@]*)?(?:@[^/]*)?$/, '')}@sha256:${upstream}`;
  await skopeo(
    [
      ...platform,
      'copy',
      '--quiet',
      ...(plain ? ['--src-tls-verify=false'] : []),
      pinned,
      `oci-archive:${copied}:${reference}`,
    ],
    options,
  );
  await copyPlainTar(copied, half);
  await rm(copied);
  const { images } = await readImageArchive(half);
  const digest = images[0]?.digest ?? '';
  const [sha256, { size }] = [await fileDigest(half), await stat(half)];
  await rename(half, target);
  const name = /([^/:@]+)(?:[:@][^/]*)?$/.exec(reference)?.[1] ?? reference;
  const version = /:([^/:@]+)(?:@.*)?$/.exec(reference)?.[1] ?? '';
  const origin = `${reference}@sha256:${upstream}`;
  return {
    kind: 'image',
    name,
    version,
    architecture,
    origin,
    path,
    sha256,
    size,
    reference,
    digest,
  };
}

async function skopeo(words: readonly string[], options: FetchOptions): Promise<Buffer> {
  const { retries = 3, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { stdout } = await run('skopeo', words, {
        encoding: 'buffer',
        timeout: deadline,
        maxBuffer: 64 * 1024 * 1024,
        ...(signal === undefined ? {} : { signal }),
      });
      return stdout;
    } catch (error) {
      signal?.throwIfAborted();
      const said = (error as { stderr?: Buffer }).stderr?.toString('utf8').trim() ?? '';
      const final = /unauthorized|denied|manifest unknown|not found|no image found/i.test(said);
      // The pause of a download, for the same reason: a registry that is busy needs time.
      await sleep(final ? 0 : (options.pause ?? 1000) * 2 ** attempt);
      if (final || attempt >= retries) {
        throw said === '' ? error : new Error(reasonIn(said), { cause: error });
      }
    }
  }
}

/** skopeo writes `time="…" level=fatal msg="…"`. */
function reasonIn(said: string): string {
  const last = said.split('\n').at(-1) ?? '';
  const [, message] = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last) ?? [];
  return message === undefined ? last : message.replaceAll(String.raw`\"`, '"');
}
