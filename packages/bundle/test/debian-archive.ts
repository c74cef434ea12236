import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DistributionRepositories } from '@skerry/kubernetes';
import { debianPackage } from './debian-package.ts';
import type { WebServer } from './upstream.ts';

const programs = ['apt-get', 'dpkg-deb', 'gpg'];
export const canMakePackages = programs.every(
  (program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0,
);

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** The fields of control of a package: name, version, what it depends on. */
type Control = readonly [name: string, version: string, depends?: string];

/** A signed archive like Debian's, of packages without files, on a web server below `debian/`. */
export function debianArchive(
  web: WebServer,
  packages: readonly Control[],
): DistributionRepositories {
  const scratch = mkdtempSync(join(tmpdir(), 'skerry-debian-'));
  const env = { ...process.env, GNUPGHOME: join(scratch, 'gnupg') };
  mkdirSync(env.GNUPGHOME, { mode: 0o700 });
  const run = (program: string, ...words: string[]): void => {
    execFileSync(program, words, { env, cwd: scratch, stdio: 'pipe' });
  };
  const stanzas = packages.map(([name, version, depends]) => {
    const about = { name, version, architecture: 'amd64', depends };
    const { control, bytes } = debianPackage(about);
    const path = `pool/${name}_${version.replace(/^\d+:/, '')}_amd64.deb`;
    web.put(`debian/${path}`, bytes);
    return `${control}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  });
  const index = stanzas.join('\n');
  web.put('debian/dists/test/main/binary-amd64/Packages', index);
  const release = [
    'Origin: Skerry',
    'Suite: test',
    'Codename: test',
    'Architectures: amd64',
    'Components: main',
    `Date: ${new Date().toUTCString()}`,
    'SHA256:',
    ` ${sha256(index)} ${index.length} main/binary-amd64/Packages`,
    '',
  ].join('\n');
  writeFileSync(join(scratch, 'Release'), release);
  const key = ['Skerry test', 'ed25519', 'sign', 'never'];
  const quietly = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', ''];
  run('gpg', ...quietly, '--quick-generate-key', ...key);
  run('gpg', ...quietly, '--clearsign', '--output', 'InRelease', 'Release');
  run('gpg', '--export', '--output', 'keyring.gpg');
  run('gpgconf', '--kill', 'gpg-agent');
  web.put('debian/dists/test/InRelease', readFileSync(join(scratch, 'InRelease')));
  web.put('keyring.gpg', readFileSync(join(scratch, 'keyring.gpg')));
  rmSync(scratch, { recursive: true });
  return {
    distribution: 'debian-13',
    repositories: [{ uri: 'https://deb.debian.org/debian', suites: ['test'] }],
    components: ['main'],
    keyring: web.file('keyring.gpg'),
    keyringPackage: 'debian-archive-keyring',
    source: 'this test',
    date: '2026-11-30',
  };
}
