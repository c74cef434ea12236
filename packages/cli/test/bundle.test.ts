import { createHash } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootstrap } from './command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-cli-bundle-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const content = 'a program';
const artifact = {
  kind: 'file',
  name: 'kubeadm',
  version: '1.36.3',
  path: 'kubeadm',
  sha256: createHash('sha256').update(content).digest('hex'),
  size: content.length,
  origin: 'https://example.no/kubeadm',
  install: '/usr/bin/kubeadm',
  mode: '0755',
};

function bundle(name: string, file: string | undefined): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'bundle.json'), JSON.stringify({ schema: 1, artifacts: [artifact] }));
  if (file !== undefined) writeFileSync(join(path, 'kubeadm'), file);
  return path;
}

function inventory(more = ''): string {
  const path = join(folder, 'site.yaml');
  writeFileSync(
    path,
    `cluster: { name: site }\ngroups: { nodes: { roles: [worker], hosts: { a: { address: 127.0.0.9 } } } }\n${more}`,
  );
  return path;
}

describe('bootstrap bundle verify', () => {
  test('a good one, and one with another digest', async () => {
    const good = await bootstrap(['bundle', 'verify', bundle('good', content)]);
    expect(good).toMatchObject({ code: 0, stdout: '1 artifact, 1 MiB: every digest is right\n' });
    const spoilt = await bootstrap(['bundle', 'verify', bundle('bad', 'b program'), '--json']);
    expect(spoilt.code).toBe(1);
    expect(JSON.parse(spoilt.stdout)).toMatchObject({
      type: 'bundle-verified',
      errors: 1,
      findings: [
        { code: 'bundle-digest', fix: expect.stringContaining('bundle create') as string },
      ],
    });
  });
});

describe('a run with a bundle that is not whole stops before any connection', () => {
  test.each([
    ['a file cut off', 'a pro', /bundle-truncated.*\n.*cut off/],
    [
      'a file missing',
      undefined,
      /file kubeadm 1\.36\.3 is missing: kubeadm {2}\[bundle-file-missing\]/,
    ],
  ])('%s, given with --bundle', async (_, file, said) => {
    const words = ['plan', inventory(), '--bundle', bundle('b', file)];
    const { code, stderr } = await bootstrap(words);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(said) as string });
    expect(stderr).not.toContain('127.0.0.9');
  });

  test('named by the inventory, relative to its folder', async () => {
    const { code, stderr } = await bootstrap(['plan', inventory('bundle: not-there\n')]);
    expect(code).toBe(1);
    expect(stderr).toContain(`there is no bundle in ${join(folder, 'not-there')}`);
  });
});

test('bootstrap endpoints compares with the allow-list, and exits with 1', async () => {
  const listed = inventory('kubernetes: { egress: { allow: [10.0.0.0/8] } }\n');
  const refused = await bootstrap(['endpoints', listed, '--json']);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    type: 'endpoints',
    allowed: false,
    endpoints: [
      { host: '127.0.0.9', port: 22, from: 'operator', at: `${listed}:2:60`, allowed: false },
    ],
  });
  inventory('kubernetes: { egress: { allow: [127.0.0.0/8] } }\n');
  const allowed = await bootstrap(['endpoints', listed]);
  expect(allowed.code).toBe(0);
  expect(allowed.stdout).toContain('1 endpoint, each of them allowed.');
});
