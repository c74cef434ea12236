import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** A login user of this machine, for as long as a test file runs. */
export interface LoginUser {
  readonly name: string;
  /** Lines of sudoers(5) for this user alone; none takes all rights away. */
  allow(...rules: readonly string[]): void;
  remove(): void;
}

/** Makes a user, and brings sudo where it is missing. Without a password only keys let it in. */
export function makeUser(name: string, options: { password?: string } = {}): LoginUser {
  if (!existsSync('/usr/bin/sudo')) {
    const words = ['install', '-y', '--no-install-recommends', 'sudo'];
    execFileSync('apt-get', words, { stdio: 'ignore' });
  }
  // Not a locked account: sshd lets that one in by no key.
  execFileSync('useradd', ['-m', '-p', '*', '-s', '/bin/bash', name]);
  if (options.password !== undefined) {
    execFileSync('chpasswd', { input: `${name}:${options.password}\n` });
  }
  const dropIn = `/etc/sudoers.d/${name}`;
  return {
    name,
    allow: (...rules) => {
      if (rules.length === 0) return rmSync(dropIn, { force: true });
      writeFileSync(dropIn, `${rules.join('\n')}\n`, { mode: 0o440 });
      execFileSync('visudo', ['-cqf', dropIn]);
    },
    remove: () => {
      rmSync(dropIn, { force: true });
      execFileSync('userdel', ['-rf', name], { stdio: 'ignore' });
    },
  };
}
