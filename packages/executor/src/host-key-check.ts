import type { DiagnosticError } from '@skerry/diagnostics';
import { hostError, messageOf } from './host-error.ts';
import type { KnownHostsFiles } from './known-hosts-file.ts';
import {
  fingerprint,
  judgeKey,
  keyType,
  type KnownHost,
  knownHostName,
  matchesName,
} from './known-hosts.ts';
import type { HostKeyPolicy } from './shell.ts';

/** What is to be proved by the host key: this name at this port. */
export interface HostKeyTarget {
  /** The name in the inventory, for messages. */
  readonly host: string;
  /** The name under which keys are kept: address, HostName or HostKeyAlias. */
  readonly name: string;
  readonly port: number;
  readonly policy: HostKeyPolicy;
}

/** Strongest first; SHA-1 (`ssh-rsa`) is left out, as in OpenSSH since 8.8. */
const SIGNATURES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** Checks the key that one host shows, by one policy. */
export class HostKeyCheck {
  readonly #target: HostKeyTarget;
  readonly #files: KnownHostsFiles;

  constructor(target: HostKeyTarget, files: KnownHostsFiles) {
    this.#target = target;
    this.#files = files;
  }

  /**
   * Signature algorithms to offer, those of known keys first, so that the host shows the key that
   * we know rather than one that we do not.
   * @throws DiagnosticError where a known_hosts file cannot be read.
   */
  async algorithms(): Promise<string[]> {
    const { policy } = this.#target;
    const types =
      policy.policy === 'pinned'
        ? policy.keys.filter((key) => !key.startsWith('SHA256:')).map((key) => key.split(/\s+/)[0])
        : (await this.#entries())
            .filter((entry) => entry.marker === undefined)
            .map((entry) => entry.type);
    const known = new Set(types);
    const rank = (algorithm: string): number =>
      known.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm) ? 0 : 1;
    return SIGNATURES.toSorted((a, b) => rank(a) - rank(b));
  }

  /** undefined when the key is good (and, with accept-new, noted); otherwise what to tell. */
  async verify(key: Buffer): Promise<DiagnosticError | undefined> {
    const { policy } = this.#target;
    if (policy.policy === 'pinned') return this.#verifyPinned(key, policy.keys);
    const [first] = policy.knownHosts;
    try {
      if (policy.policy === 'strict' || first === undefined) return await this.#verifyKnown(key);
      return await this.#files.exclusively(first, () => this.#verifyKnown(key));
    } catch (error) {
      return error as DiagnosticError;
    }
  }

  async #verifyKnown(key: Buffer): Promise<DiagnosticError | undefined> {
    const verdict = judgeKey(await this.#entries(), key);
    switch (verdict.verdict) {
      case 'known':
        return undefined;
      case 'revoked':
        return this.#revoked(key, verdict.entry);
      case 'changed':
        return this.#changed(key, verdict.entry);
      case 'unknown':
        return this.#unknown(key, verdict.authority);
    }
  }

  #verifyPinned(key: Buffer, pins: readonly string[]): DiagnosticError | undefined {
    const print = fingerprint(key);
    const base64 = key.toString('base64');
    const matches = pins.some((pin) =>
      pin.startsWith('SHA256:') ? pin.replace(/=+$/, '') === print : pin.split(/\s+/)[1] === base64,
    );
    if (matches) return undefined;
    const { host } = this.#target;
    return hostError(host, {
      code: 'host-key-changed',
      what: `${this.#called()} showed a host key that is not pinned: ${keyType(key)} ${print}`,
      why: 'the inventory pins other keys: another machine answers, or the host was set up anew',
      fix: `compare with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the console of ${host}; if it is right, put ${print} under hostKeys.pinned`,
    });
  }

  /** The entries that mean this host: by name and port, else by the name alone. */
  async #entries(): Promise<readonly KnownHost[]> {
    const { host, name, port, policy } = this.#target;
    if (policy.policy === 'pinned') return [];
    let all: readonly KnownHost[];
    try {
      all = await this.#files.read(policy.knownHosts);
    } catch (error) {
      throw hostError(host, {
        code: 'known-hosts-unreadable',
        what: `the known hosts cannot be read, so the key of ${host} cannot be checked`,
        why: messageOf(error),
        fix: 'make the file readable, or name others under knownHosts',
      });
    }
    const wanted = knownHostName(name, port);
    const exact = all.filter((entry) => matchesName(entry.patterns, wanted));
    if (port === 22 || exact.length > 0) return exact;
    const plain = knownHostName(name, 22);
    return all.filter((entry) => matchesName(entry.patterns, plain));
  }

  async #unknown(
    key: Buffer,
    authority: KnownHost | undefined,
  ): Promise<DiagnosticError | undefined> {
    const { host, name, port, policy } = this.#target;
    if (policy.policy === 'pinned') return undefined;
    const [file] = policy.knownHosts;
    const line = `${knownHostName(name, port)} ${keyType(key)} ${key.toString('base64')}`;
    if (policy.policy === 'accept-new' && file !== undefined) {
      try {
        await this.#files.append(file, line);
        return undefined;
      } catch (error) {
        return hostError(host, {
          code: 'known-hosts-unwritable',
          what: `the new key of ${host} cannot be noted in ${file}`,
          why: messageOf(error),
          fix: 'make the file writable, or name another under knownHosts',
        });
      }
    }
    const scan = `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}${name} >>${file ?? '~/.ssh/known_hosts'}`;
    return hostError(host, {
      code: 'host-key-unknown',
      what: `the host key of ${this.#called()} is not known: ${keyType(key)} ${fingerprint(key)}`,
      why:
        authority === undefined
          ? `no entry for ${knownHostName(name, port)} in ${policy.knownHosts.join(', ') || 'any known_hosts file'}`
          : `only a @cert-authority entry (${authority.origin}) means this host, and certificates are not supported`,
      fix: `compare the fingerprint with the host's console, then run \`${scan}\`, or pin it in the inventory (\`hostKeys: { pinned: ['${fingerprint(key)}'] }\`), or trust the first key seen (\`hostKeys: accept-new\`)`,
    });
  }

  #changed(key: Buffer, entry: KnownHost): DiagnosticError {
    const { host, name, port } = this.#target;
    const file = entry.origin.replace(/:\d+$/, '');
    return hostError(host, {
      code: 'host-key-changed',
      what: `the host key of ${this.#called()} has changed: it showed ${keyType(key)} ${fingerprint(key)}`,
      why: `${entry.origin} knows it by ${entry.type} ${fingerprint(Buffer.from(entry.key, 'base64'))}: another machine answers, or the host was set up anew`,
      fix: `find out why; if it was set up anew, run \`ssh-keygen -f ${file} -R '${knownHostName(name, port)}'\` and connect again`,
    });
  }

  #revoked(key: Buffer, entry: KnownHost): DiagnosticError {
    return hostError(this.#target.host, {
      code: 'host-key-revoked',
      what: `the host key of ${this.#called()} is revoked: ${keyType(key)} ${fingerprint(key)}`,
      why: `${entry.origin} marks it @revoked`,
      fix: 'do not trust this machine; give it a new host key and make that one known',
    });
  }

  #called(): string {
    const { host, name, port } = this.#target;
    const address = knownHostName(name, port);
    return address === host.toLowerCase() ? host : `${host} (${address})`;
  }
}
