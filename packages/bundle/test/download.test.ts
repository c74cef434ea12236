import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceOrigin } from '@skerry/kubernetes';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { download } from '../src/create/download.ts';
import { startWebServer, type WebServer } from './upstream.ts';

let folder: string;
let web: WebServer;
const bytes = randomBytes(300_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const fast = { pause: 10 };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-download-'));
  web = await startWebServer(join(folder, 'upstream'));
  web.put('file', bytes);
});
afterEach(async () => {
  await web.stop();
  rmSync(folder, { recursive: true });
});

const target = (): string => join(folder, 'half');
const ranges = (): (string | undefined)[] => web.asked.map(({ range }) => range);

test('a file comes whole', async () => {
  expect(await download(`${web.url}/file`, target(), { sha256 })).toEqual({
    sha256,
    size: 300_000,
  });
  expect(readFileSync(target()).equals(bytes)).toBe(true);
});

test('a fetch that is cut off goes on where it was, within a run and after it', async () => {
  web.fail('file', { after: 100_000 });
  web.fail('file', { after: 50_000 });
  await download(`${web.url}/file`, target(), { sha256, ...fast });
  expect(readFileSync(target()).equals(bytes)).toBe(true);
  expect(ranges()).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.anything()]);

  writeFileSync(target(), bytes.subarray(0, 200_000));
  web.asked.length = 0;
  await download(`${web.url}/file`, target(), { sha256 });
  expect(web.asked).toEqual([{ path: 'file', range: 'bytes=200000-', status: 206 }]);
});

test('a half file of something else is thrown away, and the fetch begun again', async () => {
  writeFileSync(target(), randomBytes(1000));
  await download(`${web.url}/file`, target(), { sha256, ...fast });
  expect(readFileSync(target()).equals(bytes)).toBe(true);
  expect(ranges()).toEqual(['bytes=1000-', undefined]);
  // Also where it is longer than the file.
  writeFileSync(target(), randomBytes(400_000));
  await download(`${web.url}/file`, target(), { sha256, ...fast });
  expect(readFileSync(target()).equals(bytes)).toBe(true);
});

test('without a published digest nothing is gone on with', async () => {
  writeFileSync(target(), 'old');
  expect(await download(`${web.url}/file`, target())).toEqual({ sha256, size: 300_000 });
  expect(ranges()).toEqual([undefined]);
});

test('what is not what was published is refused, and not kept', async () => {
  const other = 'f'.repeat(64);
  await expect(
    download(`${web.url}/file`, target(), { sha256: other, ...fast, retries: 1 }),
  ).rejects.toThrow(`what came has the digest ${sha256}, and ${other} is published`);
  expect(existsSync(target())).toBe(false);
});

test('a server that is busy is asked again, one that refuses is not', async () => {
  web.fail('file', { status: 503 });
  await download(`${web.url}/file`, target(), { sha256, ...fast });
  expect(web.asked.map(({ status }) => status)).toEqual([503, 200]);
  await expect(download(`${web.url}/none`, target(), fast)).rejects.toThrow(
    'the server answered 404 Not Found',
  );
  expect(web.asked.filter(({ path }) => path === 'none')).toHaveLength(1);
});

test('a server that falls silent is given up, and one that is not there', async () => {
  web.fail('file', { after: 1000, silent: true });
  await expect(download(`${web.url}/file`, target(), { idle: 300, retries: 0 })).rejects.toThrow(
    'nothing came for 300 ms',
  );
  const { url } = web;
  await web.stop();
  web = await startWebServer(join(folder, 'upstream'));
  await expect(download(`${url}/file`, target(), { retries: 0 })).rejects.toThrow(/ECONNREFUSED/);
});

test('an abort ends it at once', async () => {
  web.fail('file', { after: 1000, silent: true });
  const abort = new AbortController();
  const running = download(`${web.url}/file`, target(), { signal: abort.signal });
  await expect.poll(() => web.asked.length).toBe(1);
  abort.abort(new Error('stop'));
  await expect(running).rejects.toThrow('stop');
});

test('an origin is what the longest beginning says', () => {
  const origins = {
    'registry.k8s.io': 'harbor.example/k8s',
    'registry.k8s.io/coredns': 'other.example/dns/',
    'https://dl.k8s.io/': 'http://127.0.0.1:80/dl',
  };
  expect(replaceOrigin('registry.k8s.io/pause:3', origins)).toBe('harbor.example/k8s/pause:3');
  expect(replaceOrigin('registry.k8s.io/coredns/coredns:v1', origins)).toBe(
    'other.example/dns/coredns:v1',
  );
  expect(replaceOrigin('registry.k8s.io.example/x', origins)).toBe('registry.k8s.io.example/x');
  expect(replaceOrigin('https://dl.k8s.io/release/x', origins)).toBe(
    'http://127.0.0.1:80/dl/release/x',
  );
});
