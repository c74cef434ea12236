import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DistributionRepositories } from '@skerry/kubernetes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolvePackages } from '../src/create/resolve-packages.ts';
import { canMakePackages, debianArchive } from './debian-archive.ts';
import { startWebServer, type WebServer } from './upstream.ts';

const set = { distribution: 'debian-13', architecture: 'amd64', names: ['fio', 'haproxy'] };

describe.runIf(canMakePackages)('packages of a distribution (needs apt-get, dpkg-deb, gpg)', () => {
  let scratch: string;
  let web: WebServer;
  let archive: DistributionRepositories;
  const resolved = (of: Partial<DistributionRepositories> = {}) =>
    resolvePackages(set, { ...archive, ...of }, { origins: { 'https://deb.debian.org': web.url } });

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'skerry-packages-'));
    web = await startWebServer(scratch);
    archive = debianArchive(web, [
      ['haproxy', '3.0.11-1', 'libc6 (>= 2.38), liblua'],
      ['fio', '3.39-1', 'libc6'],
      ['libc6', '2.41-12'],
      ['liblua', '1:5.4-2'],
      ['nobody-asks', '1'],
    ]);
  });
  afterAll(async () => {
    await web.stop();
    rmSync(scratch, { recursive: true });
  });

  test('come with all that they need, each with who needs it, its digest and both addresses', async () => {
    const offered = await resolved();
    expect(
      offered
        .map(({ name, version, neededBy }) => `${name} ${version} for ${neededBy.join(', ')}`)
        .toSorted(),
    ).toEqual([
      'fio 3.39-1 for fio',
      'haproxy 3.0.11-1 for haproxy',
      'libc6 2.41-12 for fio, haproxy',
      'liblua 1:5.4-2 for haproxy',
    ]);
    expect(offered.find(({ name }) => name === 'fio')).toMatchObject({
      origin: 'https://deb.debian.org/debian/pool/fio_3.39-1_amd64.deb',
      url: `${web.url}/debian/pool/fio_3.39-1_amd64.deb`,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test('one that there is not is named', async () => {
    const missing = { ...set, names: ['haproxy', 'hapoxy'] };
    const origins = { 'https://deb.debian.org': web.url };
    await expect(resolvePackages(missing, archive, { origins })).rejects.toThrow(
      'Unable to locate package hapoxy',
    );
  });

  test('lists that nobody has signed are not believed', async () => {
    const strange = join(scratch, 'strange.gpg');
    writeFileSync(strange, '');
    await expect(resolved({ keyring: strange })).rejects.toThrow(/not signed|NO_PUBKEY|signature/i);
  });

  test('without the keys of the distribution it says what to install', async () => {
    const keyring = join(scratch, 'nowhere.gpg');
    expect(existsSync(keyring)).toBe(false);
    await expect(resolved({ keyring })).rejects.toThrow(
      /nowhere\.gpg; apt-get install debian-archive-keyring$/,
    );
  });
});
