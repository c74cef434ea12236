import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  absentKind,
  directoryKind,
  fileKind,
  symlinkKind,
  type AnyStepKind,
  type Fragment,
} from '../src/index.ts';
import { runFragment, shells } from './harness/run-fragment.ts';
import { sandbox } from './harness/sandbox.ts';

/** The fragments as one, with a line before each answer but the first one. */
function joined(fragments: readonly Fragment[]): Fragment {
  const [first] = fragments;
  return {
    code: `next() { printf '\\nNEXT %s\\n' "$1"; }\n${first?.code ?? ''}`,
    args: fragments.flatMap(({ args }) => args),
  };
}

describe.each(shells)('%s', (shell) => {
  it('answers for many paths as for each alone', async () => {
    await using box = await sandbox();
    const at = (name: string): string => join(box.path, name);
    await writeFile(at('same'), 'same\n');
    await writeFile(at('other'), 'NEXT 0\nno line break at the end');
    await writeFile(at('spa ced  name '), 'x\n');
    await writeFile(at(String.raw`back\slash`), 'x\n');
    await writeFile(at('large'), 'x'.repeat(1_048_577));
    await writeFile(at('æøå 日本'), 'x\n');
    await writeFile(at('-n'), 'x\n');
    await mkdir(at('folder'));
    await writeFile(at('folder/one'), '');
    await symlink('folder', at('link'));
    await symlink('/nonexistent/at all', at('dangling'));
    const file = (name: string, content: string, sensitive = false): [AnyStepKind, object] => [
      fileKind,
      { path: at(name), content, sensitive },
    ];
    const asked: [AnyStepKind, object][] = [
      file('missing', 'x'),
      file('same', 'same\n'),
      file(String.raw`back\slash`, 'x\n'),
      file('other', 'wanted\n'),
      [directoryKind, { path: '/' }],
      [directoryKind, { path: at('folder') }],
      file('folder', 'x'),
      file('spa ced  name ', 'x\n'),
      [absentKind, { path: at('folder'), recursive: true }],
      [absentKind, { path: at('same') }],
      [symlinkKind, { path: at('link'), target: 'elsewhere' }],
      file('link', 'x'),
      [symlinkKind, { path: at('dangling'), target: '/nonexistent/at all' }],
      [directoryKind, { path: at('missing too') }],
      file('other', 'wanted\n', true),
      file('large', 'wanted\n'),
      file('æøå 日本', 'x\n'),
      file('same', 'same\n'),
      file('-n', 'x\n'),
      [absentKind, { path: at('missing') }],
    ];
    const probes = asked.map(([kind, desired]) => kind.probe(kind.schema.parse(desired)));
    const alone = await Promise.all(probes.map((probe) => runFragment(shell, probe)));
    const together = await runFragment(shell, joined(probes));
    expect(alone.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      probes.map(() => ({ code: 0, stderr: '' })),
    );
    expect(together).toMatchObject({ code: 0, stderr: '' });
    expect(together.stdout).toBe(alone.map(({ stdout }) => stdout).join('\nNEXT 0\n'));
  });

  it('tells of a file that cannot be read, and answers for the others', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'x');
    const probes = [path, '/proc/sys/net/ipv4/route/flush', path].map((each) =>
      fileKind.probe(fileKind.schema.parse({ path: each, content: 'x' })),
    );
    const { stdout, stderr, code } = await runFragment(shell, joined(probes));
    expect(stdout).toMatch(/^file\/.*\nsame\n\nNEXT 0\nfile\/.*\n\nNEXT [12]\nfile\/.*\nsame\n$/);
    expect(stderr).toMatch(/route\/flush.*Permission denied/);
    expect(code).toBe(0);
  });
});

describe('dash', () => {
  it('starts one stat and one sha256sum for many files', async () => {
    await using box = await sandbox();
    const programs = join(box.path, 'bin');
    await mkdir(programs);
    for (const program of ['stat', 'sha256sum']) {
      const script = `#!/bin/sh\necho ${program} >>${box.path}/started\nexec /usr/bin/${program} "$@"\n`;
      await writeFile(join(programs, program), script, { mode: 0o755 });
    }
    const probes = ['a', 'b', 'c'].map((name) =>
      fileKind.probe(fileKind.schema.parse({ path: join(box.path, name), content: 'x' })),
    );
    for (const name of ['a', 'b', 'c']) await writeFile(join(box.path, name), 'x');
    const env = { PATH: `${programs}:${process.env['PATH']}` };
    const { stdout } = await runFragment('dash', joined(probes), { env });
    expect(stdout.match(/^same$/gm)).toHaveLength(3);
    expect(await readFile(join(box.path, 'started'), 'utf8')).toBe('stat\nsha256sum\n');
  });
});
