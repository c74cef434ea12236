import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileDigest } from '../file-digest.ts';
import { addEntry, writeTar } from './layer.ts';

/** How a container of an image runs, and what the image is called. */
export interface ImageSettings {
  /** Full name with a tag: `registry.k8s.io/pause:3.10.2`. */
  readonly reference: string;
  readonly architecture: string;
  readonly entrypoint: readonly string[];
  readonly command?: readonly string[];
  /** `NAME=value`. */
  readonly environment?: readonly string[];
  /** `65535:65535`; root where it is left out. */
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An archive that has been written: its own digest and size, and the digest of its manifest. */
export interface WrittenImage {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** `sha256:…` */
  readonly digest: string;
}

interface Blob {
  readonly sha256: string;
  readonly size: number;
  readonly source: { readonly file: string } | { readonly text: string };
}

async function fileBlob(file: string): Promise<Blob> {
  const { size } = await stat(file);
  return { sha256: await fileDigest(file), size, source: { file } };
}

function textBlob(value: unknown): Blob {
  const text = JSON.stringify(value);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { sha256, size: Buffer.byteLength(text), source: { text } };
}

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  // Not compressed: a slow machine unpacks it in a fraction of the time.
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

function configOf(settings: ImageSettings, layers: readonly Blob[]): unknown {
  const { command, user, workingDirectory, labels } = settings;
  return {
    architecture: settings.architecture,
    os: 'linux',
    config: {
      Env: settings.environment ?? [],
      Entrypoint: settings.entrypoint,
      ...(command === undefined ? {} : { Cmd: command }),
      ...(user === undefined ? {} : { User: user }),
      ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
      ...(labels === undefined ? {} : { Labels: labels }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ sha256 }) => `sha256:${sha256}`) },
  };
}

/**
 * Writes an image as an OCI archive: a tar of `oci-layout`, `index.json` and blobs (OCI image layout
 * 1.0). `layers` are plain tar files, the lowest first. The index names the image in the way that
 * containerd and in the way that skopeo looks for. The same layers and settings give the same bytes.
 */
export async function writeImageArchive(
  target: string,
  settings: ImageSettings,
  layers: readonly string[],
): Promise<WrittenImage> {
  const layerBlobs: Blob[] = [];
  for (const layer of layers) layerBlobs.push(await fileBlob(layer));
  const config = textBlob(configOf(settings, layerBlobs));
  const described = (mediaType: string, { sha256, size }: Blob) => ({
    mediaType,
    digest: `sha256:${sha256}`,
    size,
  });
  const manifest = textBlob({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: described(types.config, config),
    layers: layerBlobs.map((blob) => described(types.layer, blob)),
  });
  const { reference } = settings;
  const index = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [
      {
        ...described(types.manifest, manifest),
        platform: { architecture: settings.architecture, os: 'linux' },
        annotations: {
          'io.containerd.image.name': reference,
          'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  const hash = createHash('sha256');
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      size += chunk.length;
      next(null, chunk);
    },
  });
  const file = createWriteStream(target);
  counted.pipe(file);
  counted.once('error', (error) => file.destroy(error));
  const closed = finished(file);
  const header = (name: string) => ({ name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 });
  await Promise.all([
    closed,
    writeTar(counted, async (tar) => {
      const text = (value: unknown) => ({ text: JSON.stringify(value) });
      await addEntry(tar, header('oci-layout'), text({ imageLayoutVersion: '1.0.0' }));
      await addEntry(tar, header('index.json'), text(index));
      const blobs = new Map([config, manifest, ...layerBlobs].map((blob) => [blob.sha256, blob]));
      for (const blob of blobs.values()) {
        await addEntry(tar, header(`blobs/sha256/${blob.sha256}`), blob.source);
      }
    }),
  ]);
  return { sha256: hash.digest('hex'), size, digest: `sha256:${manifest.sha256}` };
}
