import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventSchemaText } from '../src/schemas/event-lines.ts';
import { bootstrap, eventLines, root } from './command.ts';

const oslo = 'inventory/oslo.yaml';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('help and wrong words', () => {
  it('shows every command and the exit codes', async () => {
    const { code, stdout, stderr } = await bootstrap(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const name of 'plan apply run facts inventory render exec lab completion'.split(' ')) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
    expect(stdout).toContain('Exit codes: 0 done');
    expect(stdout).not.toContain('__complete');
  });

  it('shows the help of a command, and the version', async () => {
    const help = await bootstrap(['apply', '--help']);
    expect(help.code).toBe(0);
    for (const option of ['--limit', '--tags', '--forks', '--json', '--yes', '--dry-run']) {
      expect(help.stdout).toContain(option);
    }
    expect(await bootstrap(['--version'])).toMatchObject({ code: 0, stdout: '0.0.0\n' });
  });

  it.each([
    [['aply', oslo], /unknown command 'aply'[\s\S]*Did you mean apply\?/],
    [['plan', oslo, '--limt', 'x'], /unknown option '--limt'[\s\S]*Did you mean --limit\?/],
    [['plan'], /missing required argument 'inventory'\n\(see bootstrap plan --help\)/],
    [['apply', oslo, '--max-age', '1h'], /--max-age can only be given with a saved plan/],
    [['apply', oslo, '--inventory', oslo], /--inventory can only be given with a saved plan/],
    [['plan', oslo, '--forks', '0'], /at least 1/],
    [['lab', 'pu'], /unknown command 'pu'[\s\S]*Did you mean up\?\)\n\(see bootstrap lab --help\)/],
    [['lab', 'up', '--no'], /unknown option '--no'[\s\S]*\(see bootstrap lab up --help\)/],
    [['completion', 'bsh'], /did you mean "bash"\?/],
    [[], /Usage: bootstrap/],
  ])('%j exits with 1 and says what is meant', async (words, message) => {
    const { code, stdout, stderr } = await bootstrap(words);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });
});

describe('inventory', () => {
  it('is shown as a tree', async () => {
    const { code, stdout, stderr } = await bootstrap(['inventory', oslo]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/├─ control-plane\s+3 hosts/);
    expect(stdout).toMatch(/│ {2}├─ oslo-cp-1\s+10\.20\.0\.11/);
  });

  it('is cut down by --limit', async () => {
    const { stdout } = await bootstrap(['inventory', oslo, '-l', 'control-plane:!oslo-cp-2']);
    expect(stdout).toContain('oslo-cp-1');
    expect(stdout).not.toContain('oslo-cp-2');
    expect(stdout).not.toContain('oslo-w-01');
    expect(stdout).toContain('2 hosts');
  });

  it('names the file, line and column of every variable of a host', async () => {
    const { code, stdout } = await bootstrap(['inventory', oslo, '--host', 'oslo-cp-1']);
    expect(code).toBe(0);
    const lines = readFileSync(join(root, oslo), 'utf8').split('\n');
    const origins = [
      ...stdout.matchAll(/^ {2}(\S+)\s+(\S.*?)\s+inventory\/oslo\.yaml:(\d+):(\d+)/gm),
    ];
    expect(origins.length).toBeGreaterThan(15);
    for (const [, path = '', value = '', line, column] of origins) {
      const there = lines[Number(line) - 1]?.slice(Number(column) - 1) ?? '';
      // Values that stand there as they are shown; lists, secrets and paths are shown otherwise.
      if (path.startsWith('vars.')) expect(there).toContain(value);
    }
    expect(stdout).toMatch(/vars\.region\s+oslo\s+inventory\/oslo\.yaml:\d+:\d+ {2}cluster/);
  });

  it('is JSON that follows the schema', async () => {
    const tree = await bootstrap(['inventory', oslo, '--json']);
    expect(eventLines(tree.stdout)).toMatchObject([
      { type: 'inventory', inventory: { cluster: 'oslo', roles: { 'control-plane': 3 } } },
    ]);
    const host = await bootstrap(['inventory', oslo, '--host', 'oslo-cp-1', '--json']);
    expect(eventLines(host.stdout)).toMatchObject([
      { type: 'inventory-host', host: { name: 'oslo-cp-1' } },
    ]);
  });

  it.each([
    [['inventory', oslo, '--host', 'oslo-cp1'], /did you mean "oslo-cp-1"\?/],
    [['inventory', 'inventory/oslo.yml'], /did you mean "inventory\/oslo\.yaml"\?/],
    [['inventory', oslo, '--limit', 'wokers'], /--limit:1:1[\s\S]*did you mean "workers"\?/],
  ])('%j says what was meant', async (words, message) => {
    const { code, stderr } = await bootstrap(words);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('tells everything that is wrong in one run, with places and code frames', async () => {
    const path = write(
      'bad.yaml',
      [
        'cluster: { name: bad }',
        'groups:',
        '  workers:',
        '    hosts:',
        '      node-1: { adress: 127.0.1.1 }',
        '      node-2: { address: 127.0.1.2, connection: { port: many } }',
        '      node-3: { address: 127.0.1.3 }',
        '      node-4: { address: 127.0.1.3 }',
        '',
      ].join('\n'),
    );
    for (const words of [
      ['inventory', path],
      ['plan', path],
      ['exec', path, '--', 'true'],
    ]) {
      const { code, stdout, stderr } = await bootstrap(words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`${path}:5:17`);
      expect(stderr).toContain('did you mean "address"?');
      expect(stderr).toContain(`${path}:6:`);
      expect(stderr).toContain(`${path}:8:`);
      expect(stderr).toMatch(/5 \| {7}node-1: \{ adress/);
    }
    const json = await bootstrap(['inventory', path, '--json']);
    const [error] = eventLines(json.stdout);
    expect(error).toMatchObject({ type: 'error', exitCode: 1 });
    expect(error?.type === 'error' && error.diagnostics.length).toBeGreaterThanOrEqual(3);
  });

  it('cannot harm the terminal by what stands in a file', async () => {
    const path = write(
      'hostile.yaml',
      'cluster:\n  name: x\n  vars: { title: "\\e]0;owned\\a\\e[2J" }\ngroups: { g: { hosts: { a: { address: 127.0.1.1 } } } }\n',
    );
    const { code, stdout } = await bootstrap(['inventory', path, '--host', 'a']);
    expect(code).toBe(0);
    expect(stdout).toContain(String.raw`\x1b]0;owned\x07`);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('render', () => {
  it('prints the bytes of the template with the variables of the host', async () => {
    const path = write(
      'motd.hbs',
      'Welcome to {{host.name}} in {{vars.region}} <&> {{region}}\n\n',
    );
    const { code, stdout } = await bootstrap(['render', path, oslo, '--host', 'oslo-cp-2']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Welcome to oslo-cp-2 in oslo <&> oslo\n\n',
    });
  });

  it('fails at what is missing, with its place and the nearest name', async () => {
    const path = write('typo.hbs', 'line one\n{{vars.regin}}\n');
    const { code, stdout, stderr } = await bootstrap(['render', path, oslo, '--host', 'oslo-cp-2']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${path}:2:`);
    expect(stderr).toContain('did you mean "region"?');
  });

  it('works as docs/templates.md says: --var gives what the step would', async () => {
    const docs = readFileSync(join(root, 'docs/templates.md'), 'utf8');
    const [, words = ''] = /^ {4}\.\/bootstrap (render .*)$/m.exec(docs) ?? [];
    const { code, stdout, stderr } = await bootstrap(words.split(' '));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('version = 3\n');
    expect(stdout).toContain('sandbox = "registry.k8s.io/pause:3.10"');
    const without = await bootstrap(words.split(' --var ')[0]?.split(' ') ?? []);
    expect(without.code).toBe(1);
    expect(without.stderr).toContain('--var version=VALUE');
  });

  it('says which command reads the facts where there are none yet', async () => {
    const inventory = write(
      'no-facts.yaml',
      'cluster: { name: x }\ngroups: { g: { hosts: { a: { address: 127.0.1.1 } } } }\n',
    );
    const path = write('facts.hbs', '{{facts.kernel}}\n');
    const { code, stderr } = await bootstrap(['render', path, inventory, '--host', 'a']);
    expect(code).toBe(1);
    expect(stderr).toContain('there are no facts yet');
    expect(stderr).toContain(`bootstrap facts ${inventory} --limit a`);
  });

  it('shows secrets as their tokens', async () => {
    const path = write('secret.hbs', '{{secrets.registryPassword}}\n');
    const { stdout } = await bootstrap(['render', path, oslo, '--host', 'oslo-cp-2'], {
      env: { OSLO_REGISTRY_PASSWORD: 'hunter2hunter2' },
    });
    expect(stdout).toBe('⟦secret:env:OSLO_REGISTRY_PASSWORD⟧\n');
  });
});

describe('colours', () => {
  it('are left out of pipes, and with NO_COLOR also where they were forced', async () => {
    const words = ['inventory', oslo];
    const escape = '\u001b[';
    expect((await bootstrap(words)).stdout).not.toContain(escape);
    const forced = await bootstrap(words, { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain(escape);
    const not = await bootstrap(words, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(not.stdout).not.toContain(escape);
    const option = await bootstrap([...words, '--no-color'], { env: { FORCE_COLOR: '1' } });
    expect(option.stdout).not.toContain(escape);
  });
});

describe('completion', () => {
  const complete = async (...words: string[]): Promise<string[]> =>
    (await bootstrap(['__complete', '--', ...words])).stdout.trimEnd().split('\n');

  it('knows commands, options, hosts, groups and roles', async () => {
    expect(await complete('in')).toEqual(['inventory']);
    expect(await complete('lab', '')).toEqual(['up', 'status', 'destroy', 'ssh']);
    expect(await complete('plan', oslo, '--li')).toEqual(['--limit']);
    expect(await complete('plan', oslo, '--limit', 'work')).toEqual(['workers']);
    expect(await complete('plan', oslo, '-l', 'workers:!oslo-cp')).toEqual([
      'workers:!oslo-cp-1',
      'workers:!oslo-cp-2',
      'workers:!oslo-cp-3',
    ]);
    expect(await complete('inventory', oslo, '--host', 'oslo-cp-')).toHaveLength(3);
    expect(await complete('plan', '')).toEqual([':files']);
  });

  it('writes nothing when the inventory is broken', async () => {
    const path = write('broken.yaml', 'cluster: [');
    const ended = await bootstrap(['__complete', '--', 'plan', path, '--limit', '']);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('generated schema', () => {
  it('of --json lines is the committed one (npm run schemas)', () => {
    expect(readFileSync(join(root, 'docs/events.schema.json'), 'utf8')).toBe(eventSchemaText());
  });
});
