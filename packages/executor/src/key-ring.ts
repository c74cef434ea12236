import { readFile } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { type HostFailure, messageOf } from './host-error.ts';

export type KeyReading =
  | { readonly key: ParsedKey }
  | { readonly problem: HostFailure; readonly absent: boolean };

/**
 * Private keys, each read once: opening one by its passphrase costs half a second of computing by
 * design (bcrypt), and a thousand hosts may share it.
 */
export class KeyRing {
  readonly #keys = new Map<string, Promise<KeyReading>>();

  read(path: string, passphrase: string | undefined): Promise<KeyReading> {
    const id = JSON.stringify([path, passphrase]);
    let reading = this.#keys.get(id);
    if (reading === undefined) {
      reading = readKey(path, passphrase);
      this.#keys.set(id, reading);
    }
    return reading;
  }
}

async function readKey(path: string, passphrase: string | undefined): Promise<KeyReading> {
  const cannot = (problem: HostFailure, absent = false): KeyReading => ({ problem, absent });
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    return cannot(
      {
        code: 'key-unreadable',
        what: `the key ${path} cannot be read`,
        why: messageOf(error),
        fix: 'check the path and who may read it',
      },
      error instanceof Error && 'code' in error && error.code === 'ENOENT',
    );
  }
  const key = ssh2.utils.parseKey(text, passphrase);
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { key };
    return cannot({
      code: 'key-unreadable',
      what: `${path} holds a public key`,
      fix: `name the private key: ${path.replace(/\.pub$/, '')}`,
    });
  }
  if (/no passphrase given/i.test(key.message)) {
    return cannot({
      code: 'passphrase-needed',
      what: `the key ${path} is protected by a passphrase`,
      fix: `add it to the agent (\`ssh-add ${path}\`), or give \`passphrase\` in the inventory`,
    });
  }
  if (passphrase !== undefined && /passphrase|integrity|decrypt/i.test(key.message)) {
    return cannot({
      code: 'passphrase-wrong',
      what: `the passphrase does not open the key ${path}`,
      why: key.message,
      fix: 'check the secret that `passphrase` refers to',
    });
  }
  return cannot({
    code: 'key-unreadable',
    what: `the key ${path} is not understood`,
    why: key.message,
    fix: `convert it (\`ssh-keygen -p -f ${path}\`), or use an ed25519 key`,
  });
}
