import { DiagnosticError } from '@skerry/diagnostics';
import { hostError, messageOf } from './host-error.ts';
import type { Dial } from './ssh-connection.ts';

/** The peer closed before authentication: a server that is busy (MaxStartups), worth a retry. */
export class BusyError extends DiagnosticError {}

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no route leads there',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'nothing answers',
};

/** Says why a connection could not be made, from what ssh2 or the socket threw. */
export function connectFailure(
  dial: Dial,
  error: unknown,
  state: { timedOut: boolean; keyShown: boolean },
): DiagnosticError {
  const { host, address, port, user } = dial;
  const place = `${address}:${port}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const level = error instanceof Error && 'level' in error ? String(error.level) : '';
  if (state.timedOut) {
    return hostError(host, {
      code: 'connect-timeout',
      what: `${host} (${place}) did not answer within ${dial.timeout / 1000} s`,
      why: state.keyShown
        ? 'it showed its host key and then fell silent while authenticating'
        : 'the connection was not refused, but no SSH server spoke',
      fix: `check the address, firewalls on the way, and that sshd is well: \`ssh -v -p ${port} ${user}@${address}\``,
    });
  }
  if (level === 'client-authentication' || level === 'agent') return authRefused(dial);
  const lost = /connection lost|no response from server/i.test(messageOf(error));
  const reason = SOCKET_REASONS[code];
  if (reason !== undefined) {
    return hostError(host, {
      code: 'unreachable',
      what: `${host} (${place}) cannot be reached: ${reason}`,
      why: messageOf(error),
      fix: 'check the address and the port in the inventory, and that the machine and its sshd run',
    });
  }
  if (level === 'handshake' || (level === 'protocol' && !lost)) {
    return hostError(host, {
      code: 'handshake-failed',
      what: `${host} (${place}) and Skerry found no common ground in the SSH handshake`,
      why: messageOf(error),
      fix: 'update the SSH server of the host, or check that the port is that of an SSH server',
    });
  }
  const diagnostic = hostError(host, {
    code: 'unreachable',
    what: `${host} (${place}) closed the connection before the login`,
    why: messageOf(error),
    fix: 'sshd may be too busy (MaxStartups), or refuse this address; see its log',
  });
  return state.keyShown ? diagnostic : new BusyError(diagnostic.diagnostics);
}

/** Nothing that could be offered was taken; or nothing could be offered at all. */
export function authRefused({ host, user, address, auth }: Dial): DiagnosticError {
  const problems = auth.problems();
  const offered = auth.tried.length > 0;
  if (!offered && problems.length > 0) {
    const serious = problems.filter(({ code }) => code !== 'agent-unavailable');
    return new DiagnosticError(
      (serious.length > 0 ? serious : problems).flatMap(
        (problem) => hostError(host, problem).diagnostics,
      ),
    );
  }
  const missing = problems.map(({ what, why }) => (why === undefined ? what : `${what} (${why})`));
  return hostError(host, {
    code: 'auth-refused',
    what: `${host} refused the login of ${user}@${address}`,
    why: [
      offered ? `tried ${auth.tried.join(', ')}` : 'there is no key, agent or password to offer',
      ...missing,
    ].join('; '),
    fix: `put the public key into ~${user}/.ssh/authorized_keys on the host, or name the right key and user in the inventory`,
  });
}
