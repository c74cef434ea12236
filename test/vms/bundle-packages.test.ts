import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '@skerry/steps';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianPackage } from '../../packages/bundle/test/debian-package.ts';
import { bundledPackage } from '../../packages/kubernetes/test/bundled-package.ts';
import { bootstrap, inventory, output } from '../machines.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-bundled-'));

/** A package without files, in the folder of the bundle. */
function artifactOf(name: string, version: string, depends?: string): Artifact {
  const { bytes } = debianPackage({ name, version, architecture: 'all', depends });
  const path = `${name}.deb`;
  writeFileSync(join(folder, path), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return bundledPackage(name, ['skerry-greeter'], { version, path, sha256, size: bytes.length });
}

const run = (...options: readonly string[]) =>
  bootstrap('run', 'test/vms/bundled.ts', inventory, '--bundle', folder, ...options);

describe('packages of a bundle', () => {
  const artifacts = [
    artifactOf('skerry-greeter', '1.0-1', 'skerry-words (>= 2), libc6'),
    artifactOf('skerry-words', '2:2.1-1'),
  ];
  const writeIndex = (of: readonly Artifact[]): void =>
    writeFileSync(join(folder, 'bundle.json'), JSON.stringify({ schema: 1, artifacts: of }));

  beforeAll(async () => {
    // A machine that no repository can be reached from.
    await output('lab-2', 'mv /etc/apt/sources.list.d /etc/apt/away; rm -rf /var/lib/apt/lists/*');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await output('lab-2', 'mv /etc/apt/away /etc/apt/sources.list.d; apt-get -qq update');
  });

  test('one that the bundle lacks is refused by the plan, and nothing is changed', async () => {
    writeIndex(artifacts.slice(1));
    const refused = await run('--limit', 'lab-2', '--yes');
    const said = refused.stdout + refused.stderr;
    expect(refused.code, said).not.toBe(0);
    expect(said).toContain('skerry-greeter');
    expect(said).toContain('the bundle has packages of this distribution');
    expect(await output('lab-2', 'ls -d /var/lib/skerry/packages 2>/dev/null || :')).toBe('');
  });

  test('are installed with what they need where there is no repository; then nothing is to do', async () => {
    writeIndex(artifacts);
    const applied = await run('--limit', 'lab-2', '--yes');
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    const versions = "dpkg-query -W -f '${Version}\\n' skerry-greeter skerry-words";
    expect(await output('lab-2', versions)).toBe('1.0-1\n2:2.1-1');
    expect(await output('lab-2', 'ls /var/lib/skerry/bundle /var/lib/skerry/packages || :')).toBe(
      '/var/lib/skerry/bundle:',
    );
    const again = await run('--limit', 'lab-2', '--check', '--detailed-exitcode');
    expect(again.code, again.stdout + again.stderr).toBe(0);
  });
});
