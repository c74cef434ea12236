import type { UploadFile, UploadOptions, UploadResult } from './upload.ts';

/**
 * One piece of a script. `code` is constant POSIX sh; the values come as `args` and are read as
 * "$1", "$2", …: the executor quotes them, nobody else.
 */
export interface Part {
  readonly code: string;
  readonly args: readonly string[];
  /** Runs in the shell itself and not in a subshell: for what must outlive it, like a lock on fd 9. */
  readonly inShell?: boolean;
  /** When this part fails, the parts after it are not run. */
  readonly required?: boolean;
  /**
   * Where several parts with the same code stand one after the other, the code runs once, with the
   * arguments of all; it calls `next STATUS` after each answer but the last one.
   */
  readonly joins?: boolean;
}

/** What one part of a script did. `utf8` is false where stdout held bytes that are no UTF-8. */
export interface PartResult {
  /** Exit status, 0 to 255. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly utf8: boolean;
}

/**
 * How a run ended. Only `exited` says that every part ran and told its status, or every part up to
 * a `required` one that failed. In all other cases `parts` holds those
 * that are known to have ended; what the next one did is unknown.
 */
export type RunResult =
  | { readonly outcome: 'exited'; readonly parts: readonly PartResult[] }
  | {
      readonly outcome: 'signalled' | 'lost' | 'timedOut' | 'aborted';
      readonly parts: readonly PartResult[];
      readonly reason: string;
    };

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds from sending to the last answer; then the connection is destroyed. */
  readonly deadline: number;
  /** Output as it comes, whole lines, secrets concealed. */
  readonly onOutput?: (part: number, stream: 'stdout' | 'stderr', text: string) => void;
}

/** One long-lived `sh -s` on a host: one exec channel, however many runs. Runs are sequential. */
export interface Shell {
  run(parts: readonly Part[], options: RunOptions): Promise<RunResult>;
  /** Ends the shell; what it holds (a lock) is let go. */
  close(): Promise<void>;
}

/** One authenticated connection to a host. */
export interface Session {
  readonly host: string;
  /** `SHA256:…` of the host key, or undefined for local execution. */
  readonly hostKey: string | undefined;
  /**
   * Opens a shell as the login user, or as root by way of sudo when `become` is true. Throws a
   * DiagnosticError `sudo-off` where that would need a sudo that the endpoint does not allow.
   */
  openShell(options: { become: boolean; signal?: AbortSignal }): Promise<Shell>;
  /**
   * Puts files on the host, one after the other, over one exec channel of its own. Throws as
   * `openShell` does; how the transfer itself ended is in the result.
   */
  upload(files: readonly UploadFile[], options: UploadOptions): Promise<UploadResult>;
  close(): Promise<void>;
}

/** Makes sessions. Errors are `DiagnosticError`s that name host, reason and what to do. */
export interface Connector {
  connect(endpoint: Endpoint, options?: { signal?: AbortSignal }): Promise<Session>;
  /** Closes what is shared between sessions (jump hosts). */
  close(): Promise<void>;
}

/** How a host is reached. Everything here is resolved: no reference, no default is left open. */
export type Endpoint =
  | SshEndpoint
  | { readonly transport: 'local'; readonly name: string; readonly sudo: SudoSettings };

export interface SshEndpoint {
  readonly transport: 'ssh';
  /** The name in the inventory. */
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  /** Paths of private keys, in order; `~` is resolved. */
  readonly identities: readonly string[];
  /** Ask the agent at SSH_AUTH_SOCK. */
  readonly agent: boolean;
  readonly passphrase?: string;
  readonly password?: string;
  /** Jump hosts, the first one first. */
  readonly jumps: readonly SshEndpoint[];
  readonly hostKeys: HostKeyPolicy;
  readonly sudo: SudoSettings;
  /** Milliseconds for connecting and authenticating. */
  readonly connectTimeout: number;
  /** `ssh_config` to honour; undefined = the user's, null = none. */
  readonly sshConfig?: string | null;
}

export type HostKeyPolicy =
  | { readonly policy: 'strict' | 'accept-new'; readonly knownHosts: readonly string[] }
  /** Public keys as in a .pub file (`ssh-ed25519 AAAA…`) or fingerprints (`SHA256:…`). */
  | { readonly policy: 'pinned'; readonly keys: readonly string[] };

export interface SudoSettings {
  /** false = sudo is not used: `become` then only opens a shell where the login user is root already. */
  readonly enabled?: boolean;
  /** undefined = `sudo -n`; never in an argument list, never on disk. */
  readonly password?: string;
}
