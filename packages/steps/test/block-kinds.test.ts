import { chmod, chown, lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockKind, hostsEntriesKind } from '../src/index.ts';
import { textWithBlock } from '../src/managed-block.ts';
import { convergeForReal, observe, planForReal } from './harness/converge-for-real.ts';
import { runFragment, shells } from './harness/run-fragment.ts';
import { inMountNamespace, sandbox } from './harness/sandbox.ts';

const root = process.getuid?.() === 0;

describe.each(shells)('%s', (shell) => {
  it('puts a block in, changes it, and leaves all other bytes, the mode and the owner', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'one\r\n\n$(two)\\n');
    await chmod(path, 0o640);
    await chown(path, 1, 2);
    const desired = { path, name: 'x y', content: `it's $(id)\nblå` };
    await convergeForReal(blockKind, desired, shell);
    const marked = (lines: string): string => `# BEGIN Skerry x y\n${lines}# END Skerry x y\n`;
    expect(await readFile(path, 'utf8')).toBe(`one\r\n\n$(two)\\n\n${marked(`it's $(id)\nblå\n`)}`);
    await convergeForReal(blockKind, { ...desired, content: '' }, shell);
    expect(await readFile(path, 'utf8')).toBe(`one\r\n\n$(two)\\n\n${marked('')}`);
    expect(await lstat(path)).toMatchObject({ uid: 1, gid: 2, mode: 0o100640 });
    expect(await readdir(box.path)).toEqual(['it']);
  });

  it.each([
    [{ before: '^b+$' }, 'a\n', 'bb\nbb\nc'],
    [{ after: '^b+$' }, 'a\nbb\n', 'bb\nc'],
    [{ after: 'c' }, 'a\nbb\nbb\nc\n', ''],
    [{ before: '^a' }, '', 'a\nbb\nbb\nc'],
  ])('inserts %j', async (insert, head, tail) => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'a\nbb\nbb\nc');
    await convergeForReal(blockKind, { path, name: 'n', content: 'X', insert }, shell);
    expect(await readFile(path, 'utf8')).toBe(
      `${head}# BEGIN Skerry n\nX\n# END Skerry n\n${tail}`,
    );
  });

  it('makes the file only where that is asked for', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const desired = { path, name: 'n', content: 'X', mode: '0600' };
    expect(await planForReal(blockKind, desired, shell)).toMatchObject([{ action: 'refuse' }]);
    const output = await runFragment(
      shell,
      blockKind.converge(blockKind.schema.parse(desired), []),
    );
    expect(output).toMatchObject({ code: 1, stderr: `${path} does not exist\n` });
    await convergeForReal(blockKind, { ...desired, create: true }, shell);
    expect(await lstat(path)).toMatchObject({ mode: 0o100600 });
  });

  it('refuses damaged markers, an anchor that matches nothing, and a symlink', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const [begin, end] = ['# BEGIN Skerry n\n', '# END Skerry n\n'];
    const desired = blockKind.schema.parse({
      path,
      name: 'n',
      content: 'X',
      insert: { after: '^z' },
    });
    for (const text of [begin, end, end + begin, begin + begin + end, begin + end + end, 'a\n']) {
      await writeFile(path, text);
      expect(await planForReal(blockKind, desired, shell)).toMatchObject([{ action: 'refuse' }]);
      expect((await runFragment(shell, blockKind.converge(desired, []))).code).toBe(1);
      expect(await readFile(path, 'utf8')).toBe(text);
    }
    await symlink('it', join(box.path, 'link'));
    const linked = blockKind.schema.parse({ ...desired, path: join(box.path, 'link') });
    expect(await planForReal(blockKind, linked, shell)).toMatchObject([{ action: 'refuse' }]);
    const output = await runFragment(shell, blockKind.converge(linked, []));
    expect(output.stderr).toContain('is a symlink');
  });

  it('a bad regular expression fails the probe with the reason', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'a\n');
    const desired = { path, name: 'n', content: 'X', insert: { after: '(' } };
    const output = await runFragment(shell, blockKind.probe(blockKind.schema.parse(desired)));
    expect(output.code).toBe(1);
    expect(output.stderr).toMatch(/[Uu]nmatched|parentheses/);
  });

  it('writes what the plan shows', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const line = fc.constantFrom(
      'a',
      '',
      'b',
      '# BEGIN Skerry n',
      '# END Skerry n',
      'anchor',
      'ø\r',
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom('', '\n'))
      .map(([lines, last]) => lines.join('\n') + last);
    const insert = fc.constantFrom('end', { before: '^anchor$' }, { after: '^anchor$' });
    const content = fc.constantFrom('', 'X', 'X\n\nY\n');
    await fc.assert(
      fc.asyncProperty(text, insert, content, async (text, insert, content) => {
        await writeFile(path, text);
        const desired = blockKind.schema.parse({ path, name: 'n', content, insert });
        const observed = await observe(blockKind, desired, shell);
        const changes = blockKind.diff(desired, observed);
        if (changes.length === 0) return;
        const refused = changes.some(({ action }) => action === 'refuse');
        const output = await runFragment(shell, blockKind.converge(desired, changes));
        expect(output.code).toBe(refused ? 1 : 0);
        const place =
          insert === 'end' ? 'end' : 'before' in (insert as object) ? 'before' : 'after';
        const block = {
          ...desired,
          begin: '# BEGIN Skerry n',
          end: '# END Skerry n',
          content: content === '' || content.endsWith('\n') ? content : `${content}\n`,
          place,
          anchor: '^anchor$',
          orEnd: false,
        } as const;
        const shown = refused ? text : textWithBlock(block, text, observed.found);
        expect(await readFile(path, 'utf8')).toBe(shown);
        if (!refused) expect(await planForReal(blockKind, desired, shell)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  it.runIf(root)('hostsEntries wins over 127.0.1.1 and leaves that line', async () => {
    await using box = await sandbox();
    const hosts = '127.0.0.1 localhost\n127.0.1.1 cp-1.example cp-1\n';
    await writeFile(join(box.path, 'hosts'), hosts);
    const inside = inMountNamespace('mount --bind "$1" /etc', box.path);
    const desired = {
      name: 'cluster',
      entries: { '10.20.0.12': ['cp-2'], '10.20.0.11': ['cp-1'] },
    };
    await convergeForReal(hostsEntriesKind, desired, shell, { inside });
    expect(await readFile(join(box.path, 'hosts'), 'utf8')).toBe(
      hosts.replace(
        '127.0.1.1',
        '# BEGIN Skerry cluster\n10.20.0.11 cp-1\n10.20.0.12 cp-2\n# END Skerry cluster\n127.0.1.1',
      ),
    );
    const ask = { code: 'getent hosts "$1"', args: ['cp-1'] };
    const { stdout } = await runFragment(shell, ask, { inside });
    expect(stdout.split(/\s+/)[0]).toBe('10.20.0.11');
  });
});
