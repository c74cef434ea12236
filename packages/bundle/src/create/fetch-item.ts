import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { replaceOrigin, type ContentItem } from '@skerry/kubernetes';
import type { Artifact } from '@skerry/steps';
import { extract } from 'tar-stream';
import { parse } from 'yaml';
import { fileDigest } from '../file-digest.ts';
import { download, downloadText, type DownloadOptions } from './download.ts';

export interface FetchOptions extends Omit<DownloadOptions, 'sha256'> {
  readonly folder: string;
  /** Beginnings of URLs and image names, each with what stands for it. */
  readonly origins: Readonly<Record<string, string>>;
}

/** What upstream calls the thing, whatever mirror it comes from: also what makes two the same. */
export function upstreamOf(item: ContentItem): string {
  return item.kind === 'chart'
    ? `${item.repository.replace(/\/$/, '')}/${item.name}-${item.version}.tgz`
    : item.download.url;
}

/** Fetches one item; its files have their names only when they are whole. Throws with the reason. */
export async function fetchItem(item: ContentItem, options: FetchOptions): Promise<Artifact[]> {
  switch (item.kind) {
    case 'file': {
      const { name, version, architecture, install } = item;
      const path = `files/${architecture}/${name}`;
      const got = await place(path, await source(item, options), options);
      const about = {
        name,
        version,
        architecture,
        install,
        mode: '0755',
        origin: upstreamOf(item),
      };
      return [{ kind: 'file', ...about, ...got }];
    }
    case 'archive':
      return unpackAll(item, options);
    case 'tool':
      return unpackTool(item, options);
    case 'manifest': {
      const { name, version } = item;
      const got = await place(
        `manifests/${name}-${version}.yaml`,
        await source(item, options),
        options,
      );
      return [{ kind: 'manifest', name, version, origin: upstreamOf(item), ...got }];
    }
    case 'chart': {
      const { name, version } = item;
      const got = await place(
        `charts/${name}-${version}.tgz`,
        await chartSource(item, options),
        options,
      );
      return [{ kind: 'chart', name, version, origin: upstreamOf(item), ...got }];
    }
  }
}

interface Source {
  readonly url: string;
  readonly sha256?: string;
}

async function source(
  item: Exclude<ContentItem, { kind: 'chart' }>,
  options: FetchOptions,
): Promise<Source> {
  const { url, checksum } = item.download;
  const from = replaceOrigin(url, options.origins);
  if (checksum === undefined) return { url: from };
  const at = replaceOrigin(checksum, options.origins);
  const text = await downloadText(at, options).catch((error: unknown) => {
    throw new Error(`${at}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const sha256 = /^\s*([0-9a-f]{64})\b/i.exec(text)?.[1]?.toLowerCase();
  if (sha256 === undefined) throw new Error(`${at} holds no SHA-256`);
  return { url: from, sha256 };
}

/** By the index of the repository, as `helm pull --repo` does it. */
async function chartSource(
  { repository, name, version }: Extract<ContentItem, { kind: 'chart' }>,
  options: FetchOptions,
): Promise<Source> {
  const base = `${replaceOrigin(repository, options.origins).replace(/\/$/, '')}/`;
  const index = parse(await downloadText(`${base}index.yaml`, options)) as {
    entries?: Record<string, { version?: string; digest?: string; urls?: string[] }[]>;
  } | null;
  const entry = index?.entries?.[name]?.find(
    (candidate) => candidate.version?.replace(/^v/, '') === version,
  );
  const url = entry?.urls?.[0];
  if (url === undefined) throw new Error(`${base}index.yaml has no ${name} ${version}`);
  const from = replaceOrigin(new URL(url, base).href, options.origins);
  const sha256 = entry?.digest?.replace(/^sha256:/, '');
  return { url: from, ...(sha256 === undefined ? {} : { sha256 }) };
}

/** Downloads to `path`; half files are beside it, ending in `.partial`. */
export async function place(
  path: string,
  { url, sha256 }: Source,
  options: FetchOptions,
): Promise<{ path: string; sha256: string; size: number }> {
  const target = join(options.folder, path);
  await mkdir(dirname(target), { recursive: true });
  const half = `${target}.partial`;
  const got = await download(url, half, {
    ...options,
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  await rename(half, target);
  return { path, ...got };
}

async function unpackAll(
  item: Extract<ContentItem, { kind: 'archive' }>,
  options: FetchOptions,
): Promise<Artifact[]> {
  const { name, version, architecture, install, except } = item;
  const folder = `files/${architecture}/${name}`;
  const archive = await place(`${folder}.tgz`, await source(item, options), options);
  const artifacts: Artifact[] = [];
  await eachFile(join(options.folder, archive.path), async (entry, content) => {
    const file = entry.replace(/^\.\//, '');
    if (except.includes(file) || file.includes('/')) return;
    const path = `${folder}/${file}`;
    const got = await write(join(options.folder, path), content, 0o755);
    artifacts.push({
      kind: 'file',
      name: `${name}-${file}`,
      version,
      architecture,
      install: `${install}/${file}`,
      mode: '0755',
      origin: upstreamOf(item),
      path,
      ...got,
    });
  });
  await rm(join(options.folder, archive.path));
  if (artifacts.length === 0) throw new Error('the archive holds no files');
  return artifacts;
}

async function unpackTool(
  item: Extract<ContentItem, { kind: 'tool' }>,
  options: FetchOptions,
): Promise<Artifact[]> {
  const { name, version, architecture, member } = item;
  const path = `tools/${architecture}/${name}`;
  const archive = await place(`${path}.tgz`, await source(item, options), options);
  let got: { sha256: string; size: number } | undefined;
  await eachFile(join(options.folder, archive.path), async (entry, content) => {
    if (entry.replace(/^\.\//, '') !== member) return;
    got = await write(join(options.folder, path), content, 0o755);
  });
  await rm(join(options.folder, archive.path));
  if (got === undefined) throw new Error(`the archive has no ${member}`);
  return [{ kind: 'tool', name, version, architecture, origin: upstreamOf(item), path, ...got }];
}

/** The files of a .tgz, one after the other; what `take` does not read is passed over. */
async function eachFile(
  path: string,
  take: (name: string, content: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const reader = extract();
  const reading = pipeline(createReadStream(path), createGunzip(), reader);
  // What is wrong with the archive ends the loop below, too.
  reading.catch(() => undefined);
  for await (const entry of reader) {
    if (entry.header.type === 'file') await take(entry.header.name, entry as AsyncIterable<Buffer>);
    entry.resume();
  }
  await reading;
}

async function write(
  target: string,
  content: AsyncIterable<Buffer>,
  mode: number,
): Promise<{ sha256: string; size: number }> {
  await mkdir(dirname(target), { recursive: true });
  const half = `${target}.partial`;
  await rm(half, { force: true });
  let size = 0;
  await pipeline(
    content,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(half, { mode }),
  );
  const sha256 = await fileDigest(half);
  await rename(half, target);
  return { sha256, size };
}
