import { DiagnosticError, formatPosition, type Diagnostic } from '@skerry/diagnostics';
import type {
  Connector,
  Endpoint,
  Part,
  PartResult,
  RunOptions,
  RunResult,
  Session,
  Shell,
  UploadFile,
  UploadOptions,
  UploadResult,
} from '@skerry/executor';
import type { Failure, HostOutcome } from './events.ts';
import { lockedStatus, takeLock } from './lock.ts';

/** Why a host cannot go on, with what it means for the host's outcome. */
export class HostFailure extends Error {
  override readonly name = 'HostFailure';
  readonly outcome: HostOutcome;
  readonly failure: Failure;

  constructor(outcome: HostOutcome, failure: Failure) {
    super(failure.what);
    this.outcome = outcome;
    this.failure = failure;
  }
}

/** Codes of the executor for a host that was reached and let us in, but not to where we wanted. */
const answered: ReadonlySet<string> = new Set([
  'sudo-off',
  'sudo-refused',
  'shell-missing',
  'unsendable',
]);

/** Where in a file (a template) it is, when that is known. */
function placed({ what, at }: Diagnostic): string {
  return at !== undefined && 'file' in at ? `${what} (${formatPosition(at)})` : what;
}

/** Of several findings each keeps its own reason and advice, in lines below it. */
function inFull(diagnostic: Diagnostic): string {
  const { why, fix } = diagnostic;
  return [
    placed(diagnostic),
    ...(why === undefined ? [] : [`  why: ${why}`]),
    ...(fix === undefined ? [] : [`  fix: ${fix}`]),
  ].join('\n');
}

/** Turns whatever was thrown for a host into a HostFailure; faults of the program pass through. */
export function hostFailure(error: unknown, outcome: HostOutcome): HostFailure {
  if (error instanceof HostFailure) return error;
  if (!(error instanceof DiagnosticError)) throw error;
  const { diagnostics } = error;
  const [first] = diagnostics;
  const at = first?.at;
  const code = first?.code ?? 'error';
  const step = at !== undefined && 'step' in at && at.step !== undefined ? { step: at.step } : {};
  const kind = answered.has(code) ? 'failed' : outcome;
  if (first !== undefined && diagnostics.length === 1) {
    const { why, fix } = first;
    return new HostFailure(kind, {
      code,
      what: placed(first),
      ...step,
      ...(why === undefined ? {} : { why }),
      ...(fix === undefined ? {} : { fix }),
    });
  }
  return new HostFailure(kind, {
    code,
    what: diagnostics.map(inFull).join('\n'),
    ...step,
  });
}

/**
 * The engine's hold on one host: connects when first asked, keeps one shell as root and one as the
 * login user, and counts the exec channels.
 */
export class HostLink {
  readonly host: string;
  readonly #lanes: HostLink[] = [];
  /** The link that this one is a lane of; itself where it is none. */
  #main: HostLink = this;
  #turn: Promise<unknown> = Promise.resolve();
  #execs = 0;
  readonly #connector: Connector;
  readonly #endpoint: Endpoint;
  #session: Session | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  readonly #shells = new Map<boolean, Shell>();
  #lockOwner: string | undefined;
  #run = '';
  #locked = false;

  constructor(host: string, connector: Connector, endpoint: Endpoint) {
    this.host = host;
    this.#connector = connector;
    this.#endpoint = endpoint;
  }

  /**
   * For what runs on the host beside that which this link is at work on, under its lock: a connection of
   * its own, so that neither ends the other. It closes with this one.
   */
  lane(): HostLink {
    const lane = new HostLink(this.host, this.#connector, this.#endpoint);
    lane.#main = this.#main;
    this.#lanes.push(lane);
    return lane;
  }

  /** For what only one lane to a host may do at a time. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#main.#turn.then(work);
    this.#main.#turn = done.catch(() => undefined);
    return done;
  }

  /** Exec channels, those of its lanes among them. */
  get execs(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.execs, this.#execs);
  }

  /** `SHA256:…` of the host key; undefined before the first connection and for local execution. */
  get hostKey(): string | undefined {
    return this.#session?.hostKey;
  }

  /**
   * From now on this host is only worked on under its lock, also after a reconnection. `owner` is
   * shown to others; by the id of the run its own lock is known, held under another host's name.
   */
  holdLock(owner: string, run: string): void {
    this.#run = run;
    this.#lockOwner = `${owner}\n${run} ${this.host}`;
  }

  /**
   * Runs parts in the host's shell, opening it when there is none. The lock, when it is to be held
   * and is not yet, is taken in the same script.
   * Throws a HostFailure, with outcome `locked` that names the owner, unless it could be taken.
   */
  async run(become: boolean, parts: readonly Part[], options: RunOptions): Promise<RunResult> {
    const shell = await this.#shell(become, options.signal);
    if (this.#lockOwner === undefined || this.#locked)
      return this.#send(shell, become, parts, options);
    const { onOutput } = options;
    const result = await this.#send(shell, become, [takeLock(this.#lockOwner), ...parts], {
      ...options,
      ...(onOutput === undefined
        ? {}
        : { onOutput: (part, stream, text) => part > 0 && onOutput(part - 1, stream, text) }),
    });
    const [lock, ...rest] = result.parts;
    if (lock !== undefined) checkLock(lock, this.host, this.#run);
    // With a shell that is lost its lock is gone, too.
    this.#locked = result.outcome === 'exited' && lock !== undefined;
    return { ...result, parts: rest };
  }

  async #send(
    shell: Shell,
    become: boolean,
    parts: readonly Part[],
    options: RunOptions,
  ): Promise<RunResult> {
    const result = await shell.run(parts, options);
    if (result.outcome !== 'exited') {
      this.#shells.delete(become);
      this.#locked = false;
    }
    return result;
  }

  /** Puts files on the host, as root, over an exec channel of its own; a run has come before. */
  async upload(
    files: readonly UploadFile[],
    options: Omit<UploadOptions, 'become'>,
  ): Promise<UploadResult> {
    const { signal } = options;
    this.#session ??= await this.#connector.connect(
      this.#endpoint,
      signal === undefined ? {} : { signal },
    );
    this.#execs += 1;
    return this.#session.upload(files, { ...options, become: true });
  }

  /** Drops the connection, so that the next run makes a new one. */
  async disconnect(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#locked = false;
    this.#shells.clear();
    await Promise.all([session?.close(), ...this.#lanes.map((lane) => lane.disconnect())]);
  }

  /** Lets the lock go and ends the connection. */
  async close(): Promise<void> {
    this.#lockOwner = undefined;
    await this.disconnect();
  }

  /** One after the other: another host may ask for a value while this one is at work. */
  #shell(become: boolean, signal: AbortSignal | undefined): Promise<Shell> {
    const shell = this.#opening.then(() => this.#openShell(become, signal));
    this.#opening = shell.catch(() => undefined);
    return shell;
  }

  async #openShell(become: boolean, signal: AbortSignal | undefined): Promise<Shell> {
    const open = this.#shells.get(become);
    if (open !== undefined) return open;
    const withSignal = signal === undefined ? {} : { signal };
    this.#session ??= await this.#connector.connect(this.#endpoint, withSignal);
    this.#execs += 1;
    const shell = await this.#session.openShell({ become, ...withSignal });
    this.#shells.set(become, shell);
    return shell;
  }
}

function checkLock(part: PartResult, host: string, run: string): void {
  if (part.code === 0) return;
  if (part.code === lockedStatus) {
    const [owner = '', name = ''] = part.stdout.trim().split('\n');
    const other = name.startsWith(`${run} `) ? name.slice(run.length + 1) : host;
    if (other !== host) {
      const both = [host, other].toSorted();
      throw new HostFailure('failed', {
        code: 'same-machine',
        what: `${both.join(' and ')} are the same machine`,
        why: 'this run holds its lock already, under the other name',
        fix: 'take one of the two out of the inventory, or give it the right address',
      });
    }
    throw new HostFailure('locked', {
      code: 'locked',
      what: `another run holds the lock of this host: ${owner || 'its owner is not known'}`,
      why: 'two runs that change a host at the same time would spoil each other',
      fix: 'wait for it to end; the lock goes with its connection',
    });
  }
  throw new HostFailure('failed', {
    code: 'lock-failed',
    what: 'the lock could not be taken',
    why: part.stderr.trim() || `status ${part.code}`,
    fix: 'the run needs a writable /run and flock(1) of util-linux',
  });
}
