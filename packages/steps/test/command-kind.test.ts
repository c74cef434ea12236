import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandKind } from '../src/index.ts';
import { convergeForReal, planForReal } from './harness/converge-for-real.ts';
import { runFragment, shells } from './harness/run-fragment.ts';
import { sandbox } from './harness/sandbox.ts';

describe.each(shells)('%s', (shell) => {
  it('runs with its values, its folder and its environment, once', async () => {
    await using box = await sandbox();
    await mkdir(join(box.path, 'a b'));
    const awkward = `it's "$(id)"\n`;
    const desired = {
      name: 'write',
      run: 'printf "%s|%s|%s" "$1" "$TOKEN" "$(pwd)" >"$2"',
      args: [awkward, 'made'],
      unless: 'test -s "$2"',
      cwd: join(box.path, 'a b'),
      env: { TOKEN: `x'y z=` },
    };
    const [change] = await convergeForReal(commandKind, desired, shell);
    expect(change).toMatchObject({ subject: 'write', action: 'run' });
    expect(await readFile(join(box.path, 'a b', 'made'), 'utf8')).toBe(
      `${awkward}|x'y z=|${join(box.path, 'a b')}`,
    );
  });

  it('looks for what it creates', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'made');
    await convergeForReal(
      commandKind,
      { name: 'touch', run: 'touch "$1"', args: [path], creates: path },
      shell,
    );
    expect((await stat(path)).isFile()).toBe(true);
  });

  it('fails as its code does, also where that cannot be read', async () => {
    const run = async (code: string, more: object = {}): Promise<[number, string]> => {
      const desired = commandKind.schema.parse({ name: 'n', run: code, unless: 'false', ...more });
      expect(await planForReal(commandKind, desired, shell)).toHaveLength(1);
      const output = await runFragment(shell, commandKind.converge(desired, []));
      return [output.code, output.stderr];
    };
    expect(await run('echo why >&2; exit 7')).toEqual([7, 'why\n']);
    expect(await run('false\ntrue')).toEqual([0, '']);
    const [status, reason] = await run('echo "never closed');
    expect(status).not.toBe(0);
    expect(reason).not.toBe('');
    const [noFolder] = await run('true', { cwd: '/nowhere' });
    expect(noFolder).not.toBe(0);
  });
});

it('must say when there is nothing to do', () => {
  expect(() => commandKind.schema.parse({ name: 'n', run: 'x' })).toThrow(/creates.*unless/);
});
