import type { DiagnosticError } from '@skerry/diagnostics';
import { ChannelError } from './channel-error.ts';
import type { Become, Greeting } from './greeting.ts';
import { abortedError, hostError, messageOf } from './host-error.ts';
import type { SecretBook } from './secret-book.ts';

export interface OpenFailure {
  readonly become: Become;
  readonly user: string;
  readonly error?: unknown;
  readonly greeting?: Exclude<Greeting, { outcome: 'ready' }>;
  readonly secrets?: SecretBook;
}

/** Says why a shell could not be opened on a host that was connected already. */
export function openFailure(host: string, failure: OpenFailure): DiagnosticError {
  const { greeting, error, user } = failure;
  const how = greeting?.outcome ?? (error instanceof ChannelError ? error.how : 'lost');
  if (how === 'aborted') return abortedError(host);
  const said = (failure.secrets?.conceal(greeting?.said ?? '') ?? '').slice(-1000);
  if (how === 'timedOut') {
    return hostError(host, {
      code: 'shell-timeout',
      what: `${host} did not start a shell in time`,
      why: said === '' ? messageOf(error ?? 'it answered nothing') : said,
      fix: `log in as ${user} by hand and see what its login shell waits for`,
    });
  }
  if (how === 'lost' || (greeting?.outcome === 'ended' && greeting.ending.how === 'lost')) {
    return hostError(host, {
      code: 'connection-lost',
      what: `the connection to ${host} was lost while a shell was being opened`,
      why: error === undefined ? said : messageOf(error),
      fix: 'check the network and the host, and run again',
    });
  }
  if (how === 'refused') {
    return hostError(host, {
      code: 'shell-missing',
      what: `${host} refused to start a shell for ${user}`,
      why: messageOf(error),
      fix: 'allow sessions for this user in sshd_config (ForceCommand, MaxSessions, PermitTTY)',
    });
  }
  if (failure.become === 'never') {
    return hostError(host, {
      code: 'sudo-off',
      what: `${user} is not root on ${host}, and sudo is switched off for it`,
      why: 'this is to run as root, and the inventory says `sudo: false`',
      fix: 'log in as root (`user: root`), allow sudo in `connection`, or say `become: false` in the play',
    });
  }
  if (failure.become !== 'no') return sudoRefused(host, failure, how === 'wrongPassword', said);
  const ending = greeting?.outcome === 'ended' ? greeting.ending : undefined;
  return hostError(host, {
    code: 'shell-missing',
    what: `${host} has no shell for ${user}`,
    why:
      said === '' && ending?.how === 'exit'
        ? `it ended with status ${ending.code} and said nothing`
        : said,
    fix: `give ${user} a login shell that can run sh: \`usermod -s /bin/sh ${user}\``,
  });
}

function sudoRefused(
  host: string,
  { become, user }: OpenFailure,
  askedAgain: boolean,
  said: string,
): DiagnosticError {
  const refused = (what: string, fix: string): DiagnosticError =>
    hostError(host, { code: 'sudo-refused', what: `${what} on ${host}`, why: said, fix });
  if (askedAgain || /incorrect password|try again|authentication failure/i.test(said)) {
    return refused(
      `sudo did not take the password of ${user}`,
      'check the secret that `sudo.password` refers to, or answer the question anew',
    );
  }
  if (/not found|No such file/i.test(said)) {
    return refused('there is no sudo', `install sudo, or log in as root (\`user: root\`)`);
  }
  if (/must have a tty|requiretty/i.test(said)) {
    return refused(
      'sudo wants a terminal',
      `put \`Defaults:${user} !requiretty\` into a file below /etc/sudoers.d`,
    );
  }
  if (become === 'sudo' && /password is required|askpass|a terminal is required/i.test(said)) {
    return refused(
      `sudo wants a password from ${user}`,
      `set \`sudo: { password: ask }\` in the inventory, or allow it without: \`${user} ALL=(ALL) NOPASSWD: ALL\` in a file below /etc/sudoers.d`,
    );
  }
  return refused(
    `${user} may not become root by sudo`,
    `put \`${user} ALL=(ALL) ALL\` into a file below /etc/sudoers.d, or log in as another user`,
  );
}
