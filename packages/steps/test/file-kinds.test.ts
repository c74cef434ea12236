import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  readdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absentKind, directoryKind, fileKind, symlinkKind } from '../src/index.ts';
import { convergeForReal, planForReal } from './harness/converge-for-real.ts';
import { runFragment, shells } from './harness/run-fragment.ts';
import { inMountNamespace, sandbox } from './harness/sandbox.ts';

const awkward: Record<string, string> = {
  quotes: `it's "quoted" \`and\` \\ back`,
  'line breaks at the end': 'a\n\n\n',
  'no line break at the end': 'a',
  nothing: '',
  substitution: '$(touch /tmp/never) ${HOME} `id` $1 "$@"\n',
  'other scripts': 'blåbærsyltetøy 日本語 🫐\n',
  CRLF: 'one\r\ntwo\r\n',
  'printf formats': '%s %d %% \\n \\0101\n-n -e\n',
  NUL: 'a\0b\n',
};

const root = process.getuid?.() === 0;

describe.each(shells)('%s', (shell) => {
  it.each(Object.entries(awkward))('writes %s byte for byte', async (_, content) => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await convergeForReal(fileKind, { path, content }, shell);
    expect(await readFile(path, 'utf8')).toBe(content);
    expect(await readdir(box.path)).toEqual(['it']);
  });

  it('writes any text', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 2000 }), async (content) => {
        const desired = fileKind.schema.parse({ path, content });
        const output = await runFragment(shell, fileKind.converge(desired, []));
        expect(output).toMatchObject({ code: 0, stderr: '' });
        expect(await readFile(path, 'utf8')).toBe(content);
      }),
      { numRuns: 6 },
    );
  });

  it('writes any bytes', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await convergeForReal(fileKind, { path, content: { base64: bytes.toString('base64') } }, shell);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it('writes 1 MB, and shows the one line that differs', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const content = Array.from(
      { length: 20_000 },
      (_, n) => `${n} $(id) 'ø' ${'x'.repeat(34)}\n`,
    ).join('');
    expect(Buffer.byteLength(content)).toBeGreaterThan(1_000_000);
    await convergeForReal(fileKind, { path, content }, shell);
    expect(await readFile(path, 'utf8')).toBe(content);
    await writeFile(path, content.replace('\n7 ', '\nseven '));
    const [change] = await planForReal(fileKind, { path, content }, shell);
    expect(change?.diff).toContain('\n-seven ');
    expect(change?.diff?.split('\n')).toHaveLength(9);
  });

  it('sets mode and owner, and repairs them', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const desired = { path, content: 'x', mode: '4750', owner: 'daemon', group: 1 };
    await convergeForReal(fileKind, desired, shell);
    expect(await lstat(path)).toMatchObject({ uid: 1, gid: 1, mode: 0o104750 });
    await chown(path, 0, 4242);
    await chmod(path, 0o600);
    const changes = await convergeForReal(fileKind, desired, shell);
    expect(changes.map(({ subject, before }) => [subject, before])).toEqual([
      [`${path} (mode)`, '0600'],
      [`${path} (owner)`, 'root'],
      [`${path} (group)`, '4242'],
    ]);
  });

  it('replaces a symlink and leaves what it points to', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await mkdir(join(box.path, 'folder'));
    await symlink('folder', path);
    const [change] = await convergeForReal(fileKind, { path, content: 'x' }, shell);
    expect(change).toMatchObject({ action: 'update', before: 'a symlink to folder' });
    expect(await readFile(path, 'utf8')).toBe('x');
    expect(await readdir(join(box.path, 'folder'))).toEqual([]);
  });

  it('keeps the old file where the new one is not valid', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'good\n');
    const validate = 'if grep bad "$1"; then echo "line 1: bad" ; exit 1; fi';
    const desired = fileKind.schema.parse({ path, content: 'bad\n', validate });
    const output = await runFragment(shell, fileKind.converge(desired, []));
    expect(output.code).toBe(1);
    expect(output.stderr).toContain('line 1: bad');
    expect(output.stderr).toContain(`${path} is left as it was`);
    expect(await readFile(path, 'utf8')).toBe('good\n');
    expect(await readdir(box.path)).toEqual(['it']);
    await convergeForReal(fileKind, { path, content: 'fine\n', validate }, shell);
  });

  it('says what is wrong where it cannot write', async () => {
    await using box = await sandbox();
    const fails = async (path: string, extra: object = {}): Promise<string> => {
      const desired = fileKind.schema.parse({ path, content: 'x', ...extra });
      const output = await runFragment(shell, fileKind.converge(desired, []));
      expect(output.code).toBe(1);
      return output.stderr;
    };
    const here = box.path;
    await mkdir(join(here, 'folder'));
    await writeFile(join(here, 'folder', 'full'), '');
    expect(await fails(join(here, 'no', 'it'))).toContain(`the folder ${here}/no does not exist`);
    expect(await fails(join(here, 'folder'))).toContain('is a directory');
    expect(await fails(join(here, 'it'), { owner: 'nobody-here' })).toContain('nobody-here');
    expect(await readdir(here)).toEqual(['folder']);
  });

  it.runIf(root)('fails with the reason on a full disk and on a read-only one', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const content = 'x'.repeat(200_000);
    const fragment = fileKind.converge(fileKind.schema.parse({ path, content }), []);
    const full = inMountNamespace(
      'mount -t tmpfs -o size=64k none "$1" && echo old >"$1/it"',
      box.path,
    );
    const onFull = await runFragment(shell, fragment, { inside: full });
    expect(onFull.code).toBe(1);
    expect(onFull.stderr).toMatch(/No space left|I\/O error|write error/);
    expect(onFull.stderr).toContain(`${path}: the content cannot be written`);

    const readOnly = inMountNamespace(
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      box.path,
    );
    const onReadOnly = await runFragment(shell, fragment, { inside: readOnly });
    expect(onReadOnly.code).toBe(1);
    expect(onReadOnly.stderr).toContain('Read-only file system');
    for (const kind of [directoryKind, symlinkKind] as const) {
      const desired: never = kind.schema.parse({
        path,
        ...(kind === symlinkKind ? { target: 'x' } : {}),
      }) as never;
      const output = await runFragment(shell, kind.converge(desired, []), { inside: readOnly });
      expect(output.code).toBe(1);
      expect(output.stderr).toContain('Read-only file system');
    }
  });

  it('never shows what is sensitive', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await writeFile(path, 'old-secret');
    const desired = fileKind.schema.parse({ path, content: 'new-secret', sensitive: true });
    const output = await runFragment(shell, fileKind.probe(desired));
    expect(output.stdout).not.toContain('old-secret');
    expect(JSON.stringify(await planForReal(fileKind, desired, shell))).not.toContain('secret"');
  });

  it('compares with the secret itself, which only the script holds', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    const desired = { path, content: 'key = ⟦secret:env:KEY⟧\n' };
    const reveal = (text: string): string => text.replaceAll('⟦secret:env:KEY⟧', `a'b$(id)`);
    await convergeForReal(fileKind, desired, shell, { reveal });
    expect(await readFile(path, 'utf8')).toBe(`key = a'b$(id)\n`);
  });

  it('makes a directory, its parents, and repairs its mode', async () => {
    await using box = await sandbox();
    const path = join(box.path, "a b/it's", 'deep');
    await convergeForReal(directoryKind, { path, mode: '0700', owner: 'daemon' }, shell);
    expect(await lstat(path)).toMatchObject({ uid: 1, mode: 0o40700 });
    expect(await lstat(join(path, '..'))).toMatchObject({ uid: 0, mode: 0o40755 });
    await chmod(path, 0o2777);
    await convergeForReal(directoryKind, { path, mode: '0700', owner: 'daemon' }, shell);
  });

  it('links, links anew, and takes the place of a file', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'it');
    await mkdir(join(box.path, 'folder'));
    await convergeForReal(symlinkKind, { path, target: '-x y' }, shell);
    await convergeForReal(symlinkKind, { path, target: 'folder' }, shell);
    await convergeForReal(symlinkKind, { path, target: '/nowhere' }, shell);
    expect(await readdir(join(box.path, 'folder'))).toEqual([]);
    await writeFile(join(box.path, 'file'), 'x');
    await convergeForReal(symlinkKind, { path: join(box.path, 'file'), target: 'it' }, shell);
    expect((await readdir(box.path)).toSorted()).toEqual(['file', 'folder', 'it']);
  });

  it('removes files, links and directories, and no more than asked', async () => {
    await using box = await sandbox();
    const at = (name: string): string => join(box.path, name);
    await mkdir(at('empty'));
    await mkdir(at('full/inner'), { recursive: true });
    await writeFile(at('full/inner/x'), '');
    await writeFile(at('file'), '');
    await symlink('full', at('link'));
    for (const name of ['empty', 'file', 'link']) {
      await convergeForReal(absentKind, { path: at(name) }, shell);
    }
    const desired = absentKind.schema.parse({ path: at('full') });
    expect(await planForReal(absentKind, desired, shell)).toMatchObject([
      { action: 'refuse', why: 'the directory is not empty (1 entries)' },
    ]);
    expect((await runFragment(shell, absentKind.converge(desired, []))).code).toBe(1);
    expect(await readdir(box.path)).toEqual(['full']);
    await convergeForReal(absentKind, { path: at('full'), recursive: true }, shell);
    expect(await readdir(box.path)).toEqual([]);
  });

  it.runIf(root)('never removes what is mounted', async () => {
    await using box = await sandbox();
    const path = join(box.path, 'a b');
    await mkdir(join(path, 'mnt'), { recursive: true });
    await writeFile(join(path, 'x'), '');
    const inside = inMountNamespace('mount -t tmpfs none "$1"', join(path, 'mnt'));
    const desired = absentKind.schema.parse({ path, recursive: true });
    expect(await planForReal(absentKind, desired, shell, { inside })).toMatchObject([
      { action: 'refuse', why: 'a filesystem is mounted on it or in it' },
    ]);
    const output = await runFragment(shell, absentKind.converge(desired, []), { inside });
    expect(output.stderr).toContain('holds a mounted filesystem');
    expect(await readdir(path)).toHaveLength(2);
  });
});

it('refuses to remove what a machine needs', () => {
  for (const path of ['/', '/etc', '/usr', '/usr/lib', '/var/lib', '/home', '/etc/', '/a/../etc']) {
    expect(absentKind.schema.safeParse({ path, recursive: true }).success, path).toBe(false);
  }
  expect(absentKind.schema.safeParse({ path: '/etc/motd' }).success).toBe(true);
});
