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

/** What all lanes to one host share. */
interface Hold {
  execs: number;
  session: Session | undefined;
  opening: Promise<unknown>;
  lockOwner: string | undefined;
  run: string;
  /** The shell that has the lock; undefined where none has it. */
  locked: Shell | undefined;
  readonly lanes: Map<boolean, Shell>[];
}

function newHold(): Hold {
  return {
    execs: 0,
    session: undefined,
    opening: Promise.resolve(),
    lockOwner: undefined,
    run: '',
    locked: undefined,
    lanes: [],
  };
}

/**
 * The engine's hold on one host: connects when first asked, keeps one shell as root and one as the
 * login user, and counts the exec channels. What is to run beside something else on the same host goes
 * by a lane of its own.
 */
export class HostLink {
  readonly host: string;
  readonly #connector: Connector;
  readonly #endpoint: Endpoint;
  readonly #hold: Hold;
  readonly #shells = new Map<boolean, Shell>();

  constructor(host: string, connector: Connector, endpoint: Endpoint, beside?: HostLink) {
    this.host = host;
    this.#connector = connector;
    this.#endpoint = endpoint;
    this.#hold = beside === undefined ? newHold() : beside.#hold;
    this.#hold.lanes.push(this.#shells);
  }

  /** Shells of its own, by the same connection and under the same lock. */
  lane(): HostLink {
    return new HostLink(this.host, this.#connector, this.#endpoint, this);
  }

  /** Exec channels, of all lanes. */
  get execs(): number {
    return this.#hold.execs;
  }

  set execs(count: number) {
    this.#hold.execs = count;
  }

  /** `SHA256:…` of the host key; undefined before the first connection and for local execution. */
  get hostKey(): string | undefined {
    return this.#hold.session?.hostKey;
  }

  /**
   * From now on this host is only worked on under its lock, also after a reconnection. `owner` is
   * shown to others; by the id of the run its own lock is known, held under another host's name.
   */
  holdLock(owner: string, run: string): void {
    this.#hold.run = run;
    this.#hold.lockOwner = `${owner}\n${run} ${this.host}`;
  }

  /**
   * Runs parts in the host's shell, opening it when there is none. The lock, when it is to be held
   * and is not yet, is taken in the same script.
   * Throws a HostFailure, with outcome `locked` that names the owner, unless it could be taken.
   */
  async run(become: boolean, parts: readonly Part[], options: RunOptions): Promise<RunResult> {
    const hold = this.#hold;
    const shell = await this.#shell(become, options.signal);
    if (hold.lockOwner === undefined || hold.locked !== undefined)
      return this.#send(shell, become, parts, options);
    const { onOutput } = options;
    const result = await this.#send(shell, become, [takeLock(hold.lockOwner), ...parts], {
      ...options,
      ...(onOutput === undefined
        ? {}
        : { onOutput: (part, stream, text) => part > 0 && onOutput(part - 1, stream, text) }),
    });
    const [lock, ...rest] = result.parts;
    if (lock !== undefined) checkLock(lock, this.host, hold.run);
    // With a shell that is lost its lock is gone, too.
    hold.locked = result.outcome === 'exited' && lock !== undefined ? shell : undefined;
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
      if (this.#hold.locked === shell) this.#hold.locked = undefined;
    }
    return result;
  }

  /** Puts files on the host, as root, over an exec channel of its own; a run has come before. */
  async upload(
    files: readonly UploadFile[],
    options: Omit<UploadOptions, 'become'>,
  ): Promise<UploadResult> {
    const { signal } = options;
    const hold = this.#hold;
    hold.session ??= await this.#connector.connect(
      this.#endpoint,
      signal === undefined ? {} : { signal },
    );
    hold.execs += 1;
    return hold.session.upload(files, { ...options, become: true });
  }

  /** Drops the connection of all lanes, so that the next run makes a new one. */
  async disconnect(): Promise<void> {
    const hold = this.#hold;
    const { session } = hold;
    hold.session = undefined;
    hold.locked = undefined;
    for (const shells of hold.lanes) shells.clear();
    await session?.close();
  }

  /** Lets the lock go and ends the connection. */
  async close(): Promise<void> {
    this.#hold.lockOwner = undefined;
    await this.disconnect();
  }

  /** One after the other: another host may ask for a value while this one is at work. */
  #shell(become: boolean, signal: AbortSignal | undefined): Promise<Shell> {
    const shell = this.#hold.opening.then(() => this.#openShell(become, signal));
    this.#hold.opening = shell.catch(() => undefined);
    return shell;
  }

  async #openShell(become: boolean, signal: AbortSignal | undefined): Promise<Shell> {
    const open = this.#shells.get(become);
    if (open !== undefined) return open;
    const withSignal = signal === undefined ? {} : { signal };
    const hold = this.#hold;
    hold.session ??= await this.#connector.connect(this.#endpoint, withSignal);
    hold.execs += 1;
    const shell = await hold.session.openShell({ become, ...withSignal });
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
