import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import {
  DiagnosticError,
  didYouMean,
  type Diagnostic,
  type SourcePosition,
} from '@skerry/diagnostics';
import type { Host, Inventory } from './model.ts';
import { clusterSecrets, connectionSecrets, referenceOf } from './secret-token.ts';
import { absolutePath } from './settings.ts';

export interface ResolveSecretsOptions {
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Milliseconds that one command may take; default 60,000. */
  readonly deadline?: number;
  /** `connection`: only what is needed to log in; default: everything. */
  readonly only?: 'connection';
}

export interface ResolvedSecrets {
  /** Token (`⟦secret:env:NAME⟧`) to value. */
  readonly values: ReadonlyMap<string, string>;
  readonly warnings: readonly Diagnostic[];
}

/** A use of a secret: the first one is named in errors, with how many hosts use it. */
interface Use {
  readonly name: string;
  readonly at: SourcePosition | undefined;
  readonly hosts: string[];
}

/** Shorter values would be found in every other line of output, and masking them would tell them. */
const leastLength = 4;
/**
 * Words that hosts say all day. Hidden by value, they would be missing from every answer: an owner
 * that is never root again, a state that cannot be read.
 */
const common = new Set(
  `root user group mode file directory folder link socket block mount none null true false
  present absent missing done needed enabled disabled masked static active inactive running stopped
  installed linux debian ubuntu centos rhel rocky kernel boot live systemd chrony host hostname
  node kubernetes containerd skerry`.split(/\s+/),
);
/** Bytes. */
const largest = 1024 * 1024;

/**
 * Reads the secrets that these hosts refer to, each reference once. `file:` paths and the working
 * folder of `command:` (run by /bin/sh, one after the other, so that each may ask at /dev/tty) are
 * the folder of the inventory. Exactly one newline at the end of a file or of a command's output is
 * left out. Throws one DiagnosticError that names every secret that could not be had.
 */
export async function resolveSecrets(
  inventory: Inventory,
  hosts: readonly Host[],
  options: ResolveSecretsOptions = {},
): Promise<ResolvedSecrets> {
  const folders = { inventory: dirname(resolve(inventory.path)), home: homedir() };
  const values = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const [token, use] of usesOf(inventory, hosts, options.only)) {
    options.signal?.throwIfAborted();
    const reference = referenceOf(token) ?? token;
    const about = { name: use.name, at: use.at };
    const reader = new Reader(reference, about, folders, options, diagnostics);
    const value = await reader.read();
    if (value !== undefined) values.set(token, value);
  }
  if (diagnostics.some((one) => one.severity === 'error')) throw new DiagnosticError(diagnostics);
  return { values, warnings: diagnostics };
}

/** Every token that these hosts and the cluster use, with its first use. */
function usesOf(
  inventory: Inventory,
  hosts: readonly Host[],
  only: 'connection' | undefined,
): Map<string, Use> {
  const uses = new Map<string, Use>();
  const cluster = only === 'connection' ? [] : clusterSecrets(inventory.kubernetes);
  for (const [path, token] of cluster) {
    const name = `kubernetes.${path}`;
    uses.set(token, { name, at: inventory.kubernetesPlaces.get(path), hosts: [] });
  }
  const note = (host: Host, path: string, name: string, token: string): void => {
    const known = uses.get(token);
    if (known === undefined)
      uses.set(token, { name, at: host.origins.get(path)?.at, hosts: [host.name] });
    else known.hosts.push(host.name);
  };
  for (const host of hosts) {
    for (const [path, token] of connectionSecrets(host.connection)) note(host, path, path, token);
    if (only === 'connection') continue;
    for (const [name, token] of Object.entries(host.secrets)) {
      note(host, secretPath(host, name), name, token);
    }
  }
  return uses;
}

function secretPath(host: Host, name: string): string {
  const plain = `secrets.${name}`;
  return host.origins.has(plain) ? plain : `secrets.${JSON.stringify(name)}`;
}

class Reader {
  readonly #reference: string;
  readonly #about: { readonly name: string; readonly at: SourcePosition | undefined };
  readonly #folders: { readonly inventory: string; readonly home: string };
  readonly #options: ResolveSecretsOptions;
  readonly #diagnostics: Diagnostic[];

  constructor(
    reference: string,
    about: { readonly name: string; readonly at: SourcePosition | undefined },
    folders: { readonly inventory: string; readonly home: string },
    options: ResolveSecretsOptions,
    diagnostics: Diagnostic[],
  ) {
    this.#reference = reference;
    this.#about = about;
    this.#folders = folders;
    this.#options = options;
    this.#diagnostics = diagnostics;
  }

  async read(): Promise<string | undefined> {
    const [, kind, rest = ''] = /^(env|file|command):([\s\S]*)$/.exec(this.#reference) ?? [];
    const value =
      kind === 'env'
        ? this.#fromEnvironment(rest)
        : kind === 'file'
          ? await this.#fromFile(absolutePath(rest, this.#folders))
          : await this.#fromCommand(rest);
    if (value === undefined) return undefined;
    if (value.length < leastLength) {
      this.#fault('secret-too-short', `is shorter than ${leastLength} characters`, {
        why: 'so short a value is found in much that is no secret, so it cannot be masked in output',
        fix: value === '' ? 'it is empty: check where it comes from' : 'choose a longer secret',
      });
      return undefined;
    }
    if (common.has(value.toLowerCase()) || /^\d{1,5}$/.test(value)) {
      this.#fault('secret-too-common', 'is a common word or a small number', {
        why: 'it is found in much that hosts say and that is no secret, so it cannot be masked in output',
        fix: 'choose another secret',
      });
      return undefined;
    }
    if (value.includes('\0')) {
      this.#fault('secret-not-text', 'holds a NUL byte', {
        why: 'no shell can take it as a value',
      });
      return undefined;
    }
    return value;
  }

  #fromEnvironment(name: string): string | undefined {
    const env = this.#options.env ?? process.env;
    const value = env[name];
    if (value !== undefined) return value;
    this.#fault('secret-unset', `is not there: the environment variable ${name} is not set`, {
      fix:
        didYouMean(name, Object.keys(env)) ??
        `set it without leaving it in the history: read -rs ${name}; export ${name}`,
    });
    return undefined;
  }

  async #fromFile(path: string): Promise<string | undefined> {
    try {
      const status = await stat(path);
      if (status.isFile() && status.size > largest) {
        this.#fault('secret-too-large', `is too large: ${path} has ${status.size} bytes`, {
          why: `a secret has at most ${largest} bytes`,
        });
        return undefined;
      }
      const bytes = await readFile(path);
      if ((status.mode & 0o044) !== 0) {
        this.#report(
          'warning',
          'secret-file-readable',
          `can be read by other users of this machine`,
          {
            why: `${path} has mode ${(status.mode & 0o777).toString(8).padStart(4, '0')}`,
            fix: `chmod 600 ${path}`,
          },
        );
      }
      return this.#decode(bytes);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code;
      const reasons: Record<string, string> = {
        ENOENT: 'there is no such file',
        EACCES: 'you may not read it',
        EISDIR: 'it is a folder',
      };
      this.#fault('secret-unreadable', `cannot be read from ${path}`, {
        why: reasons[why ?? ''] ?? String(why),
        fix: 'file: paths start in the folder of the inventory, unless they begin with / or ~/',
      });
      return undefined;
    }
  }

  async #fromCommand(command: string): Promise<string | undefined> {
    const deadline = this.#options.deadline ?? 60_000;
    const { promise, resolve: settle } = Promise.withResolvers<Buffer | undefined>();
    const child = execFile(
      '/bin/sh',
      ['-c', command],
      {
        cwd: this.#folders.inventory,
        env: { ...(this.#options.env ?? process.env) },
        encoding: 'buffer',
        maxBuffer: largest,
        timeout: deadline,
        killSignal: 'SIGKILL',
        ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) settle(stdout);
        else {
          const status =
            error.killed === true
              ? `it did not end within ${deadline / 1000} s`
              : `exit status ${error.code}`;
          const said = stderr.toString('utf8').trim().split('\n').slice(-3).join('\n');
          this.#fault('secret-command-failed', `could not be had: the command failed`, {
            why: said === '' ? status : `${status}: ${said}`,
            fix: `run it yourself, in ${this.#folders.inventory}: ${command}`,
          });
          settle(undefined);
        }
      },
    );
    child.stdin?.end();
    const bytes = await promise;
    this.#options.signal?.throwIfAborted();
    return bytes === undefined ? undefined : this.#decode(bytes);
  }

  #decode(bytes: Buffer): string | undefined {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
        .decode(bytes)
        .replace(/\n$/, '');
    } catch {
      this.#fault('secret-not-text', 'is not UTF-8 text', {
        fix: 'keep binary data as base64 text',
      });
      return undefined;
    }
  }

  #fault(code: string, what: string, rest: { why?: string; fix?: string }): void {
    this.#report('error', code, what, rest);
  }

  #report(
    severity: 'error' | 'warning',
    code: string,
    what: string,
    rest: { why?: string; fix?: string },
  ): void {
    const { name, at } = this.#about;
    this.#diagnostics.push({
      code,
      severity,
      what: `the secret "${name}" (${this.#reference}) ${what}`,
      ...(at === undefined ? {} : { at }),
      ...rest,
    });
  }
}
