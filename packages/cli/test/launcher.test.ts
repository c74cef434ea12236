import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute, root, type Ended } from './command.ts';

let base: string;
let checkout: string;
/** One package, which lies in the checkout itself: npm installs it without a network. */
const tinyLock = `${JSON.stringify({
  name: 'tiny',
  version: '1.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: {
    '': { name: 'tiny', version: '1.0.0', workspaces: ['packages/cli'] },
    'node_modules/tiny-cli': { resolved: 'packages/cli', link: true },
    'packages/cli': { name: 'tiny-cli', version: '1.0.0' },
  },
})}\n`;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'skerry-launcher-'));
  checkout = join(base, 'check out');
  mkdirSync(join(checkout, 'packages/cli/bin'), { recursive: true });
  copyFileSync(join(root, 'bootstrap'), join(checkout, 'bootstrap'));
  chmodSync(join(checkout, 'bootstrap'), 0o755);
  writeFileSync(
    join(checkout, 'package.json'),
    '{"name":"tiny","version":"1.0.0","workspaces":["packages/cli"]}\n',
  );
  writeFileSync(
    join(checkout, 'packages/cli/package.json'),
    '{"name":"tiny-cli","version":"1.0.0","type":"module"}\n',
  );
  writeFileSync(join(checkout, 'package-lock.json'), tinyLock);
  writeFileSync(
    join(checkout, 'packages/cli/bin/bootstrap.js'),
    'console.log(JSON.stringify({ words: process.argv.slice(2), cwd: process.cwd(), node: process.execPath }));\n',
  );
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** As after `npm ci`: the list of what is installed is newer than the lock file, and node is there. */
function installed(): void {
  mkdirSync(join(checkout, 'node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(checkout, 'node_modules/.bin/node'));
  writeFileSync(join(checkout, 'node_modules/.package-lock.json'), '{}');
  age('package-lock.json', 100);
}

function age(path: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  utimesSync(join(checkout, path), time, time);
}

/** A folder with just these programs in it, to stand for PATH. */
function only(...programs: readonly string[]): string {
  const folder = mkdtempSync(join(base, 'path-'));
  for (const program of programs) {
    const found = ['/usr/bin', '/bin'].map((at) => join(at, program)).find((at) => existsSync(at));
    if (found === undefined) throw new Error(`this machine has no ${program}`);
    symlinkSync(found, join(folder, program));
  }
  return folder;
}

const basics = ['cat', 'cksum', 'grep', 'mkdir', 'mv', 'readlink', 'rm', 'sh', 'sleep', 'touch'];

function launch(
  words: readonly string[],
  options: { path?: string; cwd?: string; as?: string; shell?: readonly string[] } = {},
): Promise<Ended> {
  const [program = '', ...before] = options.shell ?? [];
  const script = options.as ?? join(checkout, 'bootstrap');
  const env = options.path === undefined ? {} : { env: { PATH: options.path } };
  const where = { cwd: options.cwd ?? base, ...env };
  return program === ''
    ? execute(script, words, where)
    : execute(program, [...before, script, ...words], where);
}

describe('the launcher', () => {
  it.each([[['dash']], [['busybox', 'sh']], [['bash', '--posix']]])(
    'passes words on as they are, under %j, without installing what is there',
    async (shell) => {
      installed();
      const words = ['a b', '', '$HOME', '*'];
      const { code, stdout, stderr } = await launch(words, { shell });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ words, cwd: base, node: process.execPath });
    },
  );

  it('works through chains of symbolic links, relative and absolute, and found in PATH', async () => {
    installed();
    const links = join(base, 'links');
    mkdirSync(links);
    symlinkSync('../check out/bootstrap', join(links, 'one'));
    symlinkSync(join(links, 'one'), join(links, 'two'));
    symlinkSync(links, join(base, 'folder'));
    for (const as of [join(links, 'one'), join(base, 'folder/two')]) {
      expect(await launch(['x'], { as, cwd: '/' })).toMatchObject({ code: 0, stderr: '' });
    }
    expect(await launch(['x'], { as: './two', cwd: links })).toMatchObject({ code: 0 });
    const found = await launch(['-c', 'two x'], {
      as: '-e',
      shell: ['sh'],
      path: `${links}:${process.env['PATH']}`,
    });
    expect(found).toMatchObject({ code: 0, stderr: '' });
  });

  it('runs npm ci when something is missing, says so, and does not do so again', async () => {
    const first = await launch([], { path: `${dirname(process.execPath)}:${process.env['PATH']}` });
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(
      /^bootstrap: installing \d+ packages .*npm ci\); this takes about a minute\n$/,
    );
    const second = await launch([]);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    // A lock file that was only touched (git checkout) installs nothing, and is not asked about again.
    age('package-lock.json', -10);
    expect(await launch([])).toMatchObject({ code: 0, stderr: '' });
    // One with other content does.
    writeFileSync(join(checkout, 'package-lock.json'), `${tinyLock}\n`);
    age('package-lock.json', -20);
    const third = await launch([], { path: `${dirname(process.execPath)}:${process.env['PATH']}` });
    expect(third.stderr).toContain('installing');
    expect(existsSync(join(checkout, '.skerry/install.lock'))).toBe(false);
  });

  it('shows the errors of npm, fails, and leaves no lock', async () => {
    rmSync(join(checkout, 'package.json'));
    const { code, stdout, stderr } = await launch([]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('package.json');
    expect(stderr).toMatch(/bootstrap: error: npm ci failed[\s\S]*fix: /);
    expect(existsSync(join(checkout, '.skerry/install.lock'))).toBe(false);
  });

  it('says how to install npm where there is none', async () => {
    const { code, stderr } = await launch([], { path: only(...basics) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm is not installed[\s\S]*sudo apt-get .*install -y nodejs npm/);
  });

  it('takes a new enough node from PATH where the platform has no bundled one, and no other', async () => {
    installed();
    rmSync(join(checkout, 'node_modules/.bin/node'));
    const without = await launch([], { path: only(...basics) });
    expect(without.code).toBe(1);
    expect(without.stderr).toMatch(/22\.18 or later[\s\S]*fix: install Node\.js/);
    const old = only(...basics);
    writeFileSync(join(old, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    expect((await launch([], { path: old })).code).toBe(1);
    const path = `${dirname(process.execPath)}:${only(...basics)}`;
    const with24 = await launch(['x'], { path });
    expect(with24).toMatchObject({ code: 0, stderr: '' });
  });

  it('takes over the lock of an install that died', async () => {
    mkdirSync(join(checkout, '.skerry/install.lock'), { recursive: true });
    const dead = await execute('sh', ['-c', 'echo $$']);
    writeFileSync(join(checkout, '.skerry/install.lock/pid'), dead.stdout);
    installed();
    rmSync(join(checkout, 'node_modules/.package-lock.json'));
    const { code } = await launch([], {
      path: `${dirname(process.execPath)}:${process.env['PATH']}`,
    });
    expect(code).toBe(0);
  });

  it('installs once when it is started several times at once', async () => {
    const path = `${dirname(process.execPath)}:${process.env['PATH']}`;
    const all = await Promise.all([1, 2, 3].map((word) => launch([String(word)], { path })));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(all.filter(({ stderr }) => stderr.includes('bootstrap: installing'))).toHaveLength(1);
    expect(readFileSync(join(checkout, 'node_modules/.skerry-installed'), 'utf8')).toMatch(
      /^\d+ \d+\n/,
    );
  });
});
