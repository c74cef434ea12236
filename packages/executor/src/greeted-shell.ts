import type { ByteChannel } from './byte-channel.ts';
import { FramedShell } from './framed-shell.ts';
import { greet, type Become, type Opening } from './greeting.ts';
import { openFailure } from './open-failure.ts';
import type { SecretBook } from './secret-book.ts';
import type { SudoSettings } from './shell.ts';

interface GreetOptions {
  readonly host: string;
  readonly user: string;
  readonly sudo: SudoSettings;
  readonly become: Become;
  /** Milliseconds until the shell must have answered. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly secrets: SecretBook;
  readonly onSend: (script: string) => void;
}

/**
 * The shell that was started on a channel, once it has answered. Throws a DiagnosticError that says
 * why there is none.
 */
export async function greetedShell(
  channel: ByteChannel,
  start: Opening,
  options: GreetOptions,
): Promise<FramedShell> {
  await greeted(channel, start, options);
  const { secrets, onSend } = options;
  return new FramedShell(channel, { secrets, onSend });
}

/** Waits until the shell that was started on a channel has answered; errors as above. */
export async function greeted(
  channel: ByteChannel,
  start: Opening,
  options: GreetOptions,
): Promise<void> {
  const { host, user, sudo, become, timeout, signal, secrets } = options;
  const greeting = await greet(channel, start, {
    milliseconds: timeout,
    signal,
    ...(sudo.password === undefined ? {} : { password: secrets.reveal(sudo.password) }),
  });
  if (greeting.outcome !== 'ready') throw openFailure(host, { become, user, greeting, secrets });
}
