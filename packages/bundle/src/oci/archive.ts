import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DiagnosticError } from '@skerry/diagnostics';
import { extract } from 'tar-stream';

/** What an OCI archive holds, after every blob in it has been compared with its digest. */
export interface ImageArchive {
  /** The images that its index names, each with the digest of its manifest (`sha256:…`). */
  readonly images: readonly {
    readonly digest: string;
    /** What the index calls it; `''` where it has no name. */
    readonly name: string;
  }[];
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Texts above this are layers: bytes, never JSON. */
const largestText = 4 * 1024 * 1024;

function broken(path: string, why: string): DiagnosticError {
  return new DiagnosticError({
    code: 'image-archive-broken',
    severity: 'error',
    what: `${path} is no OCI archive that can be used`,
    why,
    fix: 'write it again: bootstrap bundle create INVENTORY --out DIR',
  });
}

interface Found {
  readonly sizes: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, string>;
}

/** Sizes of all entries, the texts of the small ones; blobs are compared with their names. */
async function entriesOf(path: string): Promise<Found> {
  const sizes = new Map<string, number>();
  const texts = new Map<string, string>();
  const reader = extract();
  const input = createReadStream(path);
  input.once('error', (error) => reader.destroy(error));
  input.pipe(reader);
  for await (const entry of reader) {
    const name = entry.header.name.replace(/^\.\//, '');
    const hash = createHash('sha256');
    const kept: Buffer[] = [];
    let size = 0;
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      if (size <= largestText) kept.push(chunk);
    }
    if (entry.header.type !== 'file') continue;
    sizes.set(name, size);
    if (size <= largestText) texts.set(name, Buffer.concat(kept).toString('utf8'));
    const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    const sha256 = hash.digest('hex');
    if (named !== undefined && named !== sha256) {
      throw broken(path, `${name} has the digest ${sha256}`);
    }
  }
  return { sizes, texts };
}

function parsed(path: string, name: string, text: string | undefined): Record<string, unknown> {
  if (text === undefined) throw broken(path, `it has no ${name}`);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw broken(path, `${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Reads an OCI archive (`oci-archive:` of skopeo, or what `writeImageArchive` wrote) to its end and
 * checks that each image that it names is whole: manifest, configuration and layers are there with
 * their digests and sizes.
 *
 * @throws DiagnosticError `image-archive-broken`
 */
export async function readImageArchive(path: string): Promise<ImageArchive> {
  let found: Found;
  try {
    found = await entriesOf(path);
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    throw broken(path, error instanceof Error ? error.message : String(error));
  }
  const blob = ({ digest, size }: Descriptor, what: string): string => {
    const name = `blobs/${digest.replace(':', '/')}`;
    const has = found.sizes.get(name);
    if (has === undefined) throw broken(path, `${what} ${digest} is missing`);
    if (has !== size) throw broken(path, `${what} ${digest} has ${has} bytes, not ${size}`);
    return name;
  };
  parsed(path, 'oci-layout', found.texts.get('oci-layout'));
  const index = parsed(path, 'index.json', found.texts.get('index.json'));
  const manifests = (index['manifests'] ?? []) as readonly Descriptor[];
  if (manifests.length === 0) throw broken(path, 'its index names no image');
  const images = manifests.map((descriptor) => {
    const name = blob(descriptor, 'the manifest');
    const manifest = parsed(path, name, found.texts.get(name));
    // An index of several architectures in turn names manifests.
    const parts = [
      ...((manifest['manifests'] ?? []) as readonly Descriptor[]),
      ...(manifest['config'] === undefined ? [] : [manifest['config'] as Descriptor]),
      ...((manifest['layers'] ?? []) as readonly Descriptor[]),
    ];
    for (const part of parts) blob(part, 'a part');
    const { annotations = {} } = descriptor;
    const called =
      annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
    return { digest: descriptor.digest, name: called ?? '' };
  });
  return { images };
}
