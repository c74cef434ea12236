import { randomBytes } from 'node:crypto';
import type { ByteChannel, Ending } from './byte-channel.ts';
import { posixQuote } from './posix-quote.ts';
import type { SudoSettings } from './shell.ts';

/** How a shell is started: as the login user, or as root by way of sudo. */
export interface Opening {
  /** For the login shell: no values but random hex, no characters that csh or fish read otherwise. */
  readonly command: string;
  /** Written on both streams when the shell is there; what comes before it is noise. */
  readonly token: string;
  /** Written by sudo on standard error when it wants a password. */
  readonly prompt: string;
}

/** The part of PATH where a login user of Debian does not look, and where sysctl and sshd live. */
const ADMIN_PATH = '/usr/local/sbin:/usr/sbin:/sbin';

/** How a shell becomes root: `never` where it may only be root already. */
export type Become = 'no' | 'never' | 'sudo' | 'sudo-password';

/** What `become` means for a login user under these settings. */
export function becomeBy(become: boolean, isRoot: boolean, sudo: SudoSettings): Become {
  if (!become || isRoot) return 'no';
  if (sudo.enabled === false) return 'never';
  return sudo.password === undefined ? 'sudo' : 'sudo-password';
}

export function opening(become: Become): Opening {
  const token = randomBytes(16).toString('hex');
  const prompt = randomBytes(16).toString('hex');
  const start = `printf %s ${token}; printf %s ${token} >&2; PATH=$PATH:${ADMIN_PATH}; LC_ALL=C; export PATH LC_ALL; exec sh -s`;
  if (become === 'no') return { command: `exec sh -c ${posixQuote(start)}`, token, prompt };
  const sudo = become === 'sudo' ? 'sudo -n' : `sudo -S -p ${prompt}`;
  const otherwise = become === 'never' ? 'exit 1' : `exec ${sudo} sh -c "$1"`;
  const elevate = `if test "$(id -u)" = 0; then ${start}; else ${otherwise}; fi`;
  return {
    command: `exec sh -c ${posixQuote(elevate)} sh ${posixQuote(start)}`,
    token,
    prompt,
  };
}

/** How many characters of what a login shell says are kept, the last ones: it may never stop. */
const KEPT = 64 * 1024;

export type Greeting =
  | { readonly outcome: 'ready' }
  | { readonly outcome: 'ended'; readonly ending: Ending; readonly said: string }
  | { readonly outcome: 'wrongPassword' | 'timedOut' | 'aborted'; readonly said: string };

/**
 * Waits until the shell has written its token on both streams. The password is written only when
 * sudo asks with our prompt, and only once: where sudo asks for nothing it is never sent.
 */
export function greet(
  channel: ByteChannel,
  { token, prompt }: Opening,
  options: { password?: string; milliseconds: number; signal?: AbortSignal | undefined },
): Promise<Greeting> {
  const heard = { stdout: '', stderr: '' };
  let asked = 0;
  return new Promise((resolve) => {
    const said = (): string =>
      `${heard.stderr}\n${heard.stdout}`.replaceAll(prompt, '').replaceAll(token, '').trim();
    let settled = false;
    const settle = (greeting: Greeting): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      channel.stdout.off('data', onStdout);
      channel.stderr.off('data', onStderr);
      options.signal?.removeEventListener('abort', onAbort);
      if (greeting.outcome === 'timedOut' || greeting.outcome === 'aborted') channel.kill();
      else if (greeting.outcome !== 'ready') channel.close();
      resolve(greeting);
    };
    const look = (): void => {
      const prompts = heard.stderr.split(prompt).length - 1;
      if (prompts > asked) {
        asked += 1;
        if (asked > 1 || options.password === undefined) {
          settle({ outcome: 'wrongPassword', said: said() });
          return;
        }
        channel.write(Buffer.from(`${options.password}\n`));
      }
      if (heard.stdout.includes(token) && heard.stderr.includes(token)) {
        settle({ outcome: 'ready' });
      }
    };
    const onStdout = (chunk: Buffer): void => {
      heard.stdout = (heard.stdout + chunk.toString('latin1')).slice(-KEPT);
      look();
    };
    const onStderr = (chunk: Buffer): void => {
      heard.stderr = (heard.stderr + chunk.toString('latin1')).slice(-KEPT);
      look();
    };
    const onAbort = (): void => settle({ outcome: 'aborted', said: said() });
    const timer = setTimeout(
      () => settle({ outcome: 'timedOut', said: said() }),
      options.milliseconds,
    );
    channel.stdout.on('data', onStdout);
    channel.stderr.on('data', onStderr);
    options.signal?.addEventListener('abort', onAbort);
    const onEnd = (ending: Ending): void => settle({ outcome: 'ended', ending, said: said() });
    channel.ended.then(onEnd, () => {});
  });
}
