import { createHash, createHmac } from 'node:crypto';

/** One line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** Patterns separated by commas, or one `|1|salt|hash`. */
  readonly patterns: string;
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  readonly type: string;
  /** The public key in base64, as in a .pub file. */
  readonly key: string;
  /** `file:line`, for messages. */
  readonly origin: string;
}

export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((line, index) => {
    const words = line.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith('@') === true ? words.shift()?.slice(1) : undefined;
    const [patterns, type, key] = words;
    if (patterns === undefined || patterns.startsWith('#')) return [];
    if (type === undefined || key === undefined) return [];
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return [];
    return [{ marker, patterns, type, key, origin: `${file}:${index + 1}` }];
  });
}

/** How a host is called in known_hosts: `name`, or `[name]:port` where the port is not 22. */
export function knownHostName(name: string, port: number): string {
  const lower = name.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** Whether the patterns of an entry mean `name`. A pattern with `!` that matches excludes. */
export function matchesName(patterns: string, name: string): boolean {
  if (patterns.startsWith('|')) return matchesHash(patterns, name);
  let matched = false;
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!');
    if (!glob(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  const digest = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64');
  return digest === hash;
}

function glob(pattern: string): RegExp {
  const source = pattern
    .toLowerCase()
    .replaceAll(/[\\^$.+()[\]{}|]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a public key names in its own bytes. */
export function keyType(key: Buffer): string {
  return key.toString('latin1', 4, 4 + key.readUInt32BE(0));
}

export type KeyVerdict =
  | { readonly verdict: 'known' }
  | { readonly verdict: 'revoked' | 'changed'; readonly entry: KnownHost }
  /** `authority`: only a certificate authority is known for this host. */
  | { readonly verdict: 'unknown'; readonly authority: KnownHost | undefined };

/**
 * Judges the key that a host showed by the entries that mean this host. A host that is known by keys
 * of other types only counts as changed: accepting one more type would let an impostor in who just
 * does not offer the type that is known.
 */
export function judgeKey(entries: readonly KnownHost[], key: Buffer): KeyVerdict {
  const base64 = key.toString('base64');
  const same = (entry: KnownHost): boolean => sameKey(entry.key, base64);
  const revoked = entries.find((entry) => entry.marker === 'revoked' && same(entry));
  if (revoked !== undefined) return { verdict: 'revoked', entry: revoked };
  const plain = entries.filter((entry) => entry.marker === undefined);
  if (plain.some(same)) return { verdict: 'known' };
  const type = keyType(key);
  const other = plain.find((entry) => entry.type === type) ?? plain[0];
  if (other !== undefined) return { verdict: 'changed', entry: other };
  return {
    verdict: 'unknown',
    authority: entries.find((entry) => entry.marker === 'cert-authority'),
  };
}

function sameKey(a: string, b: string): boolean {
  return a.replace(/=+$/, '') === b.replace(/=+$/, '');
}
