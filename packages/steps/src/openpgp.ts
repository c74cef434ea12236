import { createHash } from 'node:crypto';

/** A primary key with its subkeys, user ids and signatures, as RFC 9580 calls it a certificate. */
export interface SigningKey {
  /** Upper-case hex: 40 digits for version 4 (SHA-1), 64 for version 6 (SHA-256). */
  readonly fingerprint: string;
}

/** Why a text is no public key; the message is for the user. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
  /** Header and body. */
  readonly bytes: Buffer;
}

const tagNames: Readonly<Record<number, string>> = { 5: 'secret key', 7: 'secret subkey' };
/** Signature, public key, marker, trust, user id, public subkey, user attribute, padding. */
const allowedTags = new Set([2, 6, 10, 12, 13, 14, 17, 21]);

/**
 * Reads public keys, armored or binary, and gives their fingerprints and one armored block with just
 * what was read: what is checked is what is installed, and nothing that hides behind it.
 * Throws `KeyError`.
 */
export function readSigningKeys(material: string | Buffer): {
  readonly keys: readonly SigningKey[];
  readonly armored: string;
} {
  const bytes = typeof material === 'string' ? dearmor(material) : material;
  const packets = splitPackets(bytes);
  const keys: SigningKey[] = [];
  for (const { tag, body } of packets) {
    if (!allowedTags.has(tag)) {
      throw new KeyError(
        `it holds a ${tagNames[tag] ?? `packet of type ${tag}`}, not only public keys`,
      );
    }
    if (tag === 6) keys.push({ fingerprint: fingerprint(body) });
    else if (keys.length === 0 && tag !== 10)
      throw new KeyError('it does not begin with a public key');
  }
  if (keys.length === 0) throw new KeyError('it holds no public key');
  const kept = packets.filter(({ tag }) => tag !== 12 && tag !== 10);
  return { keys, armored: armor(Buffer.concat(kept.map((packet) => packet.bytes))) };
}

/** RFC 9580, 5.5.4: version 4 is SHA-1 of 0x99 and a length of two bytes, version 6 SHA-256 of 0x9b and four. */
function fingerprint(body: Buffer): string {
  const version = body[0];
  if (version === 4) {
    const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
    return createHash('sha1').update(head).update(body).digest('hex').toUpperCase();
  }
  if (version === 6) {
    const head = Buffer.alloc(5);
    head[0] = 0x9b;
    head.writeUInt32BE(body.length, 1);
    return createHash('sha256').update(head).update(body).digest('hex').toUpperCase();
  }
  throw new KeyError(
    `it holds a key of version ${version ?? '(none)'}; versions 4 and 6 are known`,
  );
}

function splitPackets(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const { tag, header, length } = packetHeader(bytes, at);
    const end = at + header + length;
    if (end > bytes.length) throw new KeyError('it is cut off');
    packets.push({ tag, body: bytes.subarray(at + header, end), bytes: bytes.subarray(at, end) });
    at = end;
  }
  return packets;
}

/** RFC 9580, 4.2: the two forms of a packet header. */
function packetHeader(bytes: Buffer, at: number): { tag: number; header: number; length: number } {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) throw new KeyError('it is no OpenPGP data');
  const read = (offset: number, size: number): number => {
    if (at + offset + size > bytes.length) throw new KeyError('it is cut off');
    return bytes.readUIntBE(at + offset, size);
  };
  if ((first & 0x40) === 0) {
    const size = [1, 2, 4][first & 3];
    if (size === undefined) throw new KeyError('it holds a packet without a length');
    return { tag: (first >> 2) & 15, header: 1 + size, length: read(1, size) };
  }
  const tag = first & 0x3f;
  const octet = read(1, 1);
  if (octet < 192) return { tag, header: 2, length: octet };
  if (octet < 224) return { tag, header: 3, length: ((octet - 192) << 8) + read(2, 1) + 192 };
  if (octet === 255) return { tag, header: 6, length: read(2, 4) };
  throw new KeyError('it holds a packet in parts, which keys never are');
}

function dearmor(text: string): Buffer {
  const blocks = [
    ...text.matchAll(
      /^-----BEGIN PGP ([A-Z ]+)-----\r?\n((?:[A-Za-z]+: .*\r?\n)*)\s*\n([A-Za-z0-9+/=\s]+?)^-----END PGP \1-----/gm,
    ),
  ];
  if (blocks.length === 0)
    throw new KeyError('it holds no armored block (-----BEGIN PGP PUBLIC KEY BLOCK-----)');
  return Buffer.concat(
    blocks.map(([, type, , body = '']) => {
      if (type !== 'PUBLIC KEY BLOCK')
        throw new KeyError(`it holds a ${type}, not a PUBLIC KEY BLOCK`);
      const lines = body.split(/\s+/).filter((line) => line !== '');
      const checksum = lines.findIndex((line) => line.startsWith('='));
      const data = Buffer.from(
        lines.slice(0, checksum < 0 ? undefined : checksum).join(''),
        'base64',
      );
      const given = checksum < 0 ? undefined : lines[checksum]?.slice(1);
      if (given !== undefined && given !== crc24(data))
        throw new KeyError('its checksum does not match');
      return data;
    }),
  );
}

function armor(data: Buffer): string {
  const lines = data.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${lines.join('\n')}\n=${crc24(data)}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
}

/** RFC 9580, 6.1.1; three bytes as base64. */
function crc24(data: Buffer): string {
  let crc = 0xb704ce;
  for (const byte of data) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(crc & 0xffffff, 0, 3);
  return bytes.toString('base64');
}
