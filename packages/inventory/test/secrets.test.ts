import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectionSecrets,
  parseInventory,
  referenceOf,
  resolveSecrets,
  secretToken,
  type Inventory,
  type ResolveSecretsOptions,
} from '../src/index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-secrets-'));
});
afterAll(() => rm(folder, { recursive: true }));

function inventoryWith(cluster: string, hosts = 'n: {address: 10.0.0.1}'): Inventory {
  return parseInventory(
    `cluster:\n  name: x\n  ${cluster}\ngroups: {g: {hosts: {${hosts}}}}\n`,
    join(folder, 'site.yaml'),
  );
}

/** The values of secrets that were written as these references. */
async function values(
  references: readonly string[],
  options: ResolveSecretsOptions = {},
): Promise<string[]> {
  const inventory = inventoryWith(
    `secrets: ${JSON.stringify(Object.fromEntries(references.map((one, n) => [`s${n}`, one])))}`,
  );
  const { values } = await resolveSecrets(inventory, inventory.hosts, options);
  return references.map((one) => values.get(secretToken(one)) ?? 'NOT THERE');
}

async function faults(references: readonly string[], options: ResolveSecretsOptions = {}) {
  const error: unknown = await values(references, options).then(
    () => new Error('all were there'),
    (error: unknown) => error,
  );
  if (!(error instanceof DiagnosticError)) throw error;
  return error.diagnostics;
}

describe('tokens', () => {
  it('stand for secrets everywhere in the model', () => {
    const inventory = inventoryWith(
      `connection: {passphrase: env:PHRASE, password: env:WORD, sudo: {password: env:SUDO}}
  secrets: {db: env:DB, key: "command:echo x"}`,
    );
    const [host] = inventory.hosts;
    expect(host?.secrets).toEqual({ db: '⟦secret:env:DB⟧', key: '⟦secret:command:echo x⟧' });
    expect(host && [...connectionSecrets(host.connection)]).toEqual([
      ['connection.passphrase', '⟦secret:env:PHRASE⟧'],
      ['connection.password', '⟦secret:env:WORD⟧'],
      ['connection.sudo.password', '⟦secret:env:SUDO⟧'],
    ]);
    expect(referenceOf('⟦secret:env:DB⟧')).toBe('env:DB');
    expect(referenceOf('env:DB')).toBeUndefined();
    expect(secretToken(secretToken('env:DB'))).toBe('⟦secret:env:DB⟧');
  });
});

describe('secrets of the cluster', () => {
  const text = (version: string): string =>
    `cluster: {name: lab}
kubernetes:
  ${version}
  loadBalancer:
    metallb:
      pools: [{name: edge, addresses: [10.20.1.0/27], advertise: bgp}]
      peers: [{name: tor, address: 10.20.0.1, asn: 64512, localAsn: 64513, password: env:BGP}]
groups: {g: {hosts: {n: {address: 10.0.0.1}}}}
`;

  it('are read with those of the hosts, and missed by their place', async () => {
    const inventory = parseInventory(text('version: 1.36.3'), 'site.yaml');
    const resolved = await resolveSecrets(inventory, [], { env: { BGP: 'hunter22' } });
    expect([...resolved.values]).toEqual([['⟦secret:env:BGP⟧', 'hunter22']]);
    const missed: unknown = await resolveSecrets(inventory, [], { env: {} }).catch(
      (e: unknown) => e,
    );
    expect(missed).toMatchObject({
      diagnostics: [{ code: 'secret-unset', at: { file: 'site.yaml', line: 7 } }],
    });
  });

  it('are not asked for where no cluster is made', async () => {
    const inventory = parseInventory(text(''), 'site.yaml');
    expect([...(await resolveSecrets(inventory, [], { env: {} })).values]).toEqual([]);
  });
});

describe('values', () => {
  it('come from the environment, as they are', async () => {
    const env = { A: ' with spaces \n', B: 'quotes \' " $(id) \u00f8' };
    expect(await values(['env:A', 'env:B'], { env })).toEqual([env.A, env.B]);
  });

  it('come from files beside the inventory, without one newline at the end', async () => {
    const contents = new Map([
      ['plain', 'plain'],
      ['lines\n', 'lines'],
      ['lines\n\n', 'lines\n'],
      ['line\r\n', 'line\r'],
      ['a\nb\nc\n', 'a\nb\nc'],
      ['\uFEFFmark\n', '\uFEFFmark'],
    ]);
    const references: string[] = [];
    for (const content of contents.keys()) {
      const name = `file-${references.length}`;
      await writeFile(join(folder, name), content, { mode: 0o600 });
      references.push(`file:${references.length % 2 === 0 ? name : join(folder, name)}`);
    }
    expect(await values(references)).toEqual([...contents.values()]);
  });

  it('come from commands, run in the folder of the inventory', async () => {
    await writeFile(join(folder, 'in-folder'), 'from-a-file\n', { mode: 0o600 });
    const [first, second, third] = await values(
      [
        'command:cat in-folder',
        `command:printf 'a b\\n\\n'; printf 'c\\n'`,
        'command:echo "$GIVEN"',
      ],
      { env: { PATH: process.env['PATH'], GIVEN: 'given' } },
    );
    expect([first, second, third]).toEqual(['from-a-file', 'a b\n\nc', 'given']);
  });

  it('are read once for all hosts, and only where a selected host uses them', async () => {
    const inventory = inventoryWith(
      `secrets: {shared: "command:echo x >> count; echo value"}`,
      `a: {address: 10.0.0.1}, b: {address: 10.0.0.2}, c: {address: 10.0.0.3, secrets: {own: env:NOT_SET_ANYWHERE}}`,
    );
    const [a, b] = inventory.hosts;
    if (a === undefined || b === undefined) throw new Error('no hosts');
    const { values } = await resolveSecrets(inventory, [a, b]);
    expect([...values]).toEqual([[a.secrets['shared'], 'value']]);
    expect(await readFile(join(folder, 'count'), 'utf8')).toBe('x\n');
    await expect(resolveSecrets(inventory, inventory.hosts)).rejects.toThrow(/NOT_SET_ANYWHERE/);
  });

  it('are only those for logging in, where only these are asked for', async () => {
    const inventory = inventoryWith(
      `secrets: {db: env:UNSET}\n  connection: {password: env:WORD, sudo: {password: ask}}`,
    );
    const { values } = await resolveSecrets(inventory, inventory.hosts, {
      only: 'connection',
      env: { WORD: 'password-1' },
    });
    expect([...values]).toEqual([['⟦secret:env:WORD⟧', 'password-1']]);
  });

  it('in a file that others can read bring a warning', async () => {
    await writeFile(join(folder, 'open'), 'value');
    await chmod(join(folder, 'open'), 0o644);
    const inventory = inventoryWith('secrets: {s: file:open}');
    const { values, warnings } = await resolveSecrets(inventory, inventory.hosts);
    expect(values.size).toBe(1);
    expect(warnings).toMatchObject([
      { code: 'secret-file-readable', severity: 'warning', why: expect.stringContaining('0644') },
    ]);
    await chmod(join(folder, 'open'), 0o600);
    expect((await resolveSecrets(inventory, inventory.hosts)).warnings).toEqual([]);
  });
});

describe('what cannot be had', () => {
  it('is told all at once, each with its place in the inventory', async () => {
    await writeFile(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 1, 2, 3]), { mode: 0o600 });
    await writeFile(join(folder, 'nul'), 'abc\0def', { mode: 0o600 });
    await writeFile(join(folder, 'short'), 'abc\n', { mode: 0o600 });
    const all = await faults(
      [
        'env:NOT_SET',
        'env:EMPTY',
        'file:missing',
        'file:.',
        'file:binary',
        'file:nul',
        'file:short',
        'command:echo secret-in-stdout; echo reason >&2; exit 3',
      ],
      { env: { EMPTY: '', PATH: process.env['PATH'] } },
    );
    expect(all.map(({ code }) => code)).toEqual([
      'secret-unset',
      'secret-too-short',
      'secret-unreadable',
      'secret-unreadable',
      'secret-not-text',
      'secret-not-text',
      'secret-too-short',
      'secret-command-failed',
    ]);
    for (const fault of all) expect(fault.at).toMatchObject({ line: 3 });
    expect(all[7]?.why).toBe('exit status 3: reason');
    expect(all[7]?.why).not.toContain('secret-in-stdout');
    expect(JSON.stringify(all)).not.toContain('abc');
  });

  it('includes a word that hosts say all day, and a small number', async () => {
    const env = { ROOT: 'Root', PIN: '12345', FINE: 'rooted' };
    const all = await faults(['env:ROOT', 'env:PIN', 'env:FINE'], { env });
    expect(all.map(({ code }) => code)).toEqual(['secret-too-common', 'secret-too-common']);
  });

  it('names the variable that was probably meant', async () => {
    const [fault] = await faults(['env:OSLO_PASWORD'], { env: { OSLO_PASSWORD: 'x' } });
    expect(fault?.fix).toBe('did you mean "OSLO_PASSWORD"?');
  });

  it('includes a command that does not end', async () => {
    const started = performance.now();
    const [fault] = await faults(['command:echo x; sleep 30; echo y'], { deadline: 300 });
    expect(fault?.why).toMatch(/within 0.3 s/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('stops when the run is aborted', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await expect(
      values(['command:sleep 30; echo abcd'], { signal: abort.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
  });
});
