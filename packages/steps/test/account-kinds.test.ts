import { appendFile, cp, lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorizedKeysKind, userKind } from '../src/index.ts';
import { convergeForReal, observe, planForReal } from './harness/converge-for-real.ts';
import { runFragment, shells } from './harness/run-fragment.ts';
import { inMountNamespace, sandbox } from './harness/sandbox.ts';

const accountFiles = [
  'alternatives',
  'passwd',
  'shadow',
  'group',
  'gshadow',
  'login.defs',
  'nsswitch.conf',
  'pam.d',
  'security',
  'default/useradd',
  'skel',
];

/** A copy of the machine's accounts, which the commands inside see as /etc; homes go to `homes`. */
async function accounts(): Promise<{
  etc: string;
  homes: string;
  inside: string[];
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const box = await sandbox();
  const [etc, homes] = [join(box.path, 'etc'), join(box.path, 'homes')];
  await mkdir(etc);
  await mkdir(homes);
  for (const name of accountFiles) {
    await cp(join('/etc', name), join(etc, name), {
      recursive: true,
      verbatimSymlinks: true,
    }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
  return {
    etc,
    homes,
    inside: inMountNamespace('mount --bind "$1" /etc', etc),
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

const kari = 'ssh-ed25519 AAAAkari kari@example';
const ola = 'from="10.0.0.0/8",command="a b" ssh-rsa AAAAola ola';

describe.runIf(process.getuid?.() === 0).each(shells)('%s', (shell) => {
  it('makes a user with groups and a password, changes it, and removes it', async () => {
    await using machine = await accounts();
    const { inside } = machine;
    const options = {
      inside,
      reveal: (text: string) => text.replaceAll('⟦secret:env:H⟧', '$6$salt$hash'),
    };
    const home = join(machine.homes, 'deploy');
    const desired = {
      name: 'deploy',
      uid: 2345,
      groups: ['adm', 'new-group'],
      shell: '/bin/bash',
      home,
      passwordHash: '⟦secret:env:H⟧',
    };
    await convergeForReal(userKind, desired, shell, options);
    const passwd = await readFile(join(machine.etc, 'passwd'), 'utf8');
    expect(passwd).toContain(`deploy:x:2345:`);
    expect(passwd).toContain(`:${home}:/bin/bash\n`);
    expect(await readFile(join(machine.etc, 'shadow'), 'utf8')).toContain('deploy:$6$salt$hash:');
    expect((await lstat(home)).uid).toBe(2345);
    expect(await readFile('/etc/passwd', 'utf8')).not.toContain('deploy:x:2345');

    const changed = { ...desired, uid: 2346, shell: '/bin/sh', groups: ['audio'], group: 'staff' };
    const changes = await convergeForReal(userKind, changed, shell, options);
    expect(changes.map(({ subject }) => subject)).toEqual([
      'user deploy (uid)',
      'user deploy (group)',
      'user deploy (groups)',
      'user deploy (shell)',
    ]);
    const observed = await observe(userKind, changed, shell, options);
    expect(observed).toMatchObject({ groups: expect.arrayContaining(['adm', 'audio', 'staff']) });

    await convergeForReal(userKind, { name: 'deploy', absent: true }, shell, options);
    expect(await readFile(join(machine.etc, 'passwd'), 'utf8')).not.toContain('deploy');
  });

  it('makes a system user without a home', async () => {
    await using machine = await accounts();
    await convergeForReal(
      userKind,
      { name: 'etcd', system: true, home: '/nonexistent' },
      shell,
      machine,
    );
    const observed = await observe(userKind, { name: 'etcd' }, shell, machine);
    expect(observed).toMatchObject({ exists: true, home: '/nonexistent', group: 'etcd' });
    expect(observed.exists && observed.uid < 1000).toBe(true);
  });

  it('says why a user cannot be made', async () => {
    await using machine = await accounts();
    const desired = userKind.schema.parse({ name: 'twin', uid: 0 });
    const output = await runFragment(shell, userKind.converge(desired, []), machine);
    expect(output.code).toBe(1);
    expect(output.stderr).toMatch(/UID 0 is not unique[^]*the user twin cannot be made/);
  });

  it('gives keys to a user, with the modes that sshd demands', async () => {
    await using machine = await accounts();
    const home = join(machine.homes, 'kari');
    await appendFile(join(machine.etc, 'passwd'), `kari:x:3456:1::${home}:/bin/sh\n`);
    const keys = { user: 'kari', keys: [kari, ola] };
    const fragment = authorizedKeysKind.converge(authorizedKeysKind.schema.parse(keys), []);
    expect((await runFragment(shell, fragment, machine)).stderr).toContain(
      `the home ${home} of kari`,
    );
    await mkdir(home);
    await convergeForReal(authorizedKeysKind, keys, shell, machine);
    const path = join(home, '.ssh/authorized_keys');
    expect(await readFile(path, 'utf8')).toBe(`${kari}\n${ola}\n`);
    expect(await lstat(path)).toMatchObject({ uid: 3456, gid: 1, mode: 0o100600 });
    expect(await lstat(join(home, '.ssh'))).toMatchObject({ uid: 3456, gid: 1, mode: 0o40700 });

    await writeFile(path, `# mine\nssh-rsa AAAAother me\nssh-ed25519 AAAAola old`);
    await convergeForReal(authorizedKeysKind, keys, shell, machine);
    expect(await readFile(path, 'utf8')).toBe(`# mine\nssh-rsa AAAAother me\n${ola}\n${kari}\n`);
    await convergeForReal(authorizedKeysKind, { ...keys, exclusive: true }, shell, machine);
    expect(await readFile(path, 'utf8')).toBe(`${kari}\n${ola}\n`);
    await convergeForReal(
      authorizedKeysKind,
      { user: 'kari', keys: [], exclusive: true },
      shell,
      machine,
    );
    expect(await readFile(path, 'utf8')).toBe('');

    await rm(join(home, '.ssh'), { recursive: true });
    await symlink('/etc', join(home, '.ssh'));
    expect(await planForReal(authorizedKeysKind, keys, shell, machine)).toMatchObject([
      { action: 'refuse' },
    ]);
    const output = await runFragment(shell, fragment, machine);
    expect(output).toMatchObject({ code: 1, stderr: `${path}: no symlink is followed\n` });
  });

  it('writes the keys that the plan shows', async () => {
    await using machine = await accounts();
    await appendFile(join(machine.etc, 'passwd'), `kari:x:3456:1::${machine.homes}:/bin/sh\n`);
    await mkdir(join(machine.homes, '.ssh'));
    const path = join(machine.homes, '.ssh/authorized_keys');
    const line = fc.constantFrom(
      kari,
      ola,
      `${ola} 2`,
      '# AAAAola',
      '',
      'ssh-rsa AAAAx x',
      '  no key',
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 5 }), fc.constantFrom('', '\n'))
      .map(([lines, last]) => lines.join('\n') + last);
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom([kari], [ola, kari], []), async (text, keys) => {
        await writeFile(path, text);
        await convergeForReal(authorizedKeysKind, { user: 'kari', keys }, shell, machine);
      }),
      { numRuns: 5 },
    );
  });
});
