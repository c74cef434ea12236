import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadInventory } from '../src/index.ts';

const good = 'cluster: {name: x}\ngroups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-inventory-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function faultOf(path: string): Promise<Diagnostic | undefined> {
  const error = await loadInventory(path).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof DiagnosticError)) throw error;
  return error.diagnostics[0];
}

describe('loadInventory', () => {
  it('reads a file, with or without a byte order mark, with Windows line ends', async () => {
    for (const text of [good, `\uFEFF${good}`, good.replaceAll('\n', '\r\n')]) {
      const path = join(folder, 'oslo.yaml');
      await writeFile(path, text);
      const { hosts, path: kept } = await loadInventory(path);
      expect(hosts.map(({ name }) => name)).toEqual(['n']);
      expect(hosts[0]?.at).toMatchObject({ line: 2, column: 22 });
      expect(hosts[0]?.at.text).toBe('groups: {g: {hosts: {n: {address: 10.0.0.1}}}}');
      expect(kept).toBe(path);
    }
  });

  it('takes a text instead of the file', async () => {
    const { hosts } = await loadInventory('/nowhere/x.yaml', { text: good });
    expect(hosts).toHaveLength(1);
  });

  it('says that a file is not there, and which one is', async () => {
    await writeFile(join(folder, 'oslo.yaml'), good);
    expect(await faultOf(join(folder, 'olso.yaml'))).toMatchObject({
      code: 'file-not-found',
      fix: `did you mean "${join(folder, 'oslo.yaml')}"?`,
    });
    expect(await faultOf(join(folder, 'no', 'where.yaml'))).toMatchObject({
      code: 'file-not-found',
    });
  });

  it('says that a folder is no file', async () => {
    await mkdir(join(folder, 'site'), { recursive: true });
    expect(await faultOf(join(folder, 'site'))).toMatchObject({
      code: 'file-unreadable',
      why: 'it is a folder',
    });
  });

  it.each([
    ['Latin-1', Buffer.from('cluster:\n  name: \u00f8\n', 'latin1'), 2, 9, /0xf8/],
    ['UTF-16', Buffer.from(`\uFEFF${good}`, 'utf16le'), 1, 1, /UTF-16/],
    [
      'a character cut in two',
      Buffer.from('cluster:\n# blå bæ \xe2\x82', 'latin1'),
      2,
      5,
      undefined,
    ],
    [
      'after other characters',
      Buffer.concat([Buffer.from('# blåbær\n# ø'), Buffer.from([0xff])]),
      2,
      4,
      /0xff/,
    ],
  ])('points at the first byte that is no UTF-8: %s', async (name, bytes, line, column, why) => {
    const path = join(folder, `${name}.yaml`);
    await writeFile(path, bytes);
    const fault = await faultOf(path);
    expect(fault).toMatchObject({ code: 'file-not-utf8', at: { file: path, line, column } });
    if (why !== undefined) expect(fault?.why).toMatch(why);
  });
});

describe('paths in an inventory', () => {
  it('start in its folder, or at home', async () => {
    const path = join(folder, 'sites', 'oslo.yaml');
    await mkdir(join(folder, 'sites'), { recursive: true });
    await writeFile(
      path,
      `cluster:
  name: x
  connection: {key: [../keys/id, ~/.ssh/id, /etc/id], knownHosts: [known_hosts], sshConfig: ssh_config}
groups: {g: {hosts: {n: {address: 10.0.0.1}}}}
`,
    );
    const [host] = (await loadInventory(path)).hosts;
    expect(host?.connection).toMatchObject({
      key: [join(folder, 'keys/id'), join(process.env['HOME'] ?? '', '.ssh/id'), '/etc/id'],
      knownHosts: [join(folder, 'sites/known_hosts')],
      sshConfig: join(folder, 'sites/ssh_config'),
    });
  });
});

describe('size', () => {
  it('takes a thousand hosts in well under a second', async () => {
    const groups = Array.from(
      { length: 10 },
      (_, n) => `  rack-${n}:
    vars: {rack: ${n}, limits: {a: 1, b: 2}}
    node: {sysctl: {net.core.somaxconn: ${1000 + n}}}
    hosts:
      node-${n}-[001:100]: {address: '10.${n}.0.[1:100]', vars: {own: true}}
`,
    );
    const text = `cluster: {name: x, vars: {v: 1}, node: {packages: [a]}}\ngroups:\n${groups.join('')}`;
    await loadInventory('big.yaml', { text });
    const before = process.cpuUsage();
    const { hosts } = await loadInventory('big.yaml', { text });
    // Time of the processor, since the tests of other packages run at the same time.
    const { user, system } = process.cpuUsage(before);
    expect(hosts).toHaveLength(1000);
    expect(hosts[999]).toMatchObject({
      name: 'node-9-100',
      address: '10.9.0.100',
      vars: { v: 1, rack: 9, own: true },
    });
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});
