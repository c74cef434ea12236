import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from '../command.ts';
import type { Progress } from '../progress.ts';
import type { AptOrigin } from './apt-origin.ts';
import { hostOrigin, textsOf } from './host-origin.ts';
import { importImages, imagesScript, type BoxImage } from './images.ts';
import { imageFiles, type ImageFile } from './overlay.ts';
import {
  customizeScript,
  imagePackages,
  mmdebstrapArguments,
  type DebianRelease,
} from './script.ts';
import { makeWorkplace, removeTree } from './workplace.ts';

export interface BoxRequest {
  readonly debian: DebianRelease;
  /** GiB. */
  readonly disk: number;
  readonly publicKey: string;
  readonly nameserver: string;
  /** Debian packages beside those of every image. */
  readonly packages: readonly string[];
  /** Container images that are in it from the start. */
  readonly images: readonly BoxImage[];
  /** Where boxes are kept. */
  readonly cache: string;
}

/** A built box: everything that starting a machine from it needs. */
export interface Box {
  readonly name: string;
  readonly folder: string;
  readonly file: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Changed by hand when the way of building changes in a way that the texts do not show. */
const recipe = 1;

async function hostCertificates(): Promise<ReadonlyMap<string, string>> {
  const found = await textsOf('/usr/local/share/ca-certificates', /\.crt$/);
  return new Map(found.map(({ name, text }) => [name, text]));
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function keyOf(request: BoxRequest, files: readonly ImageFile[], origin: AptOrigin): string {
  const parts = [
    recipe,
    request.debian,
    request.disk,
    imagePackages,
    // Only where there are some: boxes without any keep their key.
    ...(request.packages.length === 0 ? [] : [request.packages.toSorted()]),
    ...(request.images.length === 0
      ? []
      : [imagesScript, request.images.map(({ sha256 }) => sha256).toSorted()]),
    customizeScript,
    files,
    origin.sources(request.debian),
    origin.options,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

async function writeOverlay(folder: string, files: readonly ImageFile[]): Promise<void> {
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, file.text);
    await chmod(path, file.mode);
  }
}

/**
 * The box for these settings: from the cache, or built from Debian's packages.
 *
 * A box appears in the cache by one rename, so an interrupted build leaves none; two at once do not meet.
 */
export async function ensureBox(request: BoxRequest, progress: Progress): Promise<Box> {
  const origin = await hostOrigin();
  const files = imageFiles({
    publicKey: request.publicKey,
    nameserver: request.nameserver,
    certificates: await hostCertificates(),
  });
  const key = keyOf(request, files, origin);
  const folder = join(request.cache, key);
  const box: Box = {
    name: `skerry/debian-${request.debian}-${key}`,
    folder,
    file: join(folder, 'debian.box'),
    kernel: join(folder, 'vmlinuz'),
    initrd: join(folder, 'initrd.img'),
  };
  if (await exists(box.file)) return box;
  const work = await makeWorkplace(folder);
  try {
    await build(request, origin, files, work, progress);
    // Where somebody else built the same one meanwhile, theirs is as good.
    await rename(work, folder).catch(async (error: unknown) => {
      if (!(await exists(box.file))) throw error;
    });
  } finally {
    await removeTree(work);
  }
  return box;
}

async function build(
  request: BoxRequest,
  origin: AptOrigin,
  files: readonly ImageFile[],
  work: string,
  progress: Progress,
): Promise<void> {
  const { signal } = progress;
  const overlay = join(work, 'overlay');
  const root = join(work, 'root');
  const customize = join(work, 'customize.sh');
  await writeOverlay(overlay, files);
  await writeFile(customize, customizeScript);
  await progress.stage(`Debian ${request.debian} from its packages`, async (note) => {
    const { debian, packages } = request;
    const input = { debian, origin, customize, overlay, root, packages };
    await command(['mmdebstrap', ...mmdebstrapArguments(input)], { signal, onLine: note });
  });
  if (request.images.length > 0) {
    const script = join(work, 'images.sh');
    await writeFile(script, imagesScript);
    await importImages(root, request.images, script, progress);
  }
  await progress.stage('disk image and box', async () => {
    const raw = join(work, 'disk.raw');
    const boot = join(root, 'boot');
    for (const [prefix, target] of [
      ['vmlinuz-', 'vmlinuz'],
      ['initrd.img-', 'initrd.img'],
    ] as const) {
      const name = (await readdir(boot)).find((entry) => entry.startsWith(prefix));
      await command(['cp', join(boot, name ?? prefix), join(work, target)], { signal });
    }
    const size = `${request.disk}G`;
    const features = 'lazy_itable_init=1,lazy_journal_init=1';
    await command(['mkfs.ext4', '-q', '-L', 'root', '-E', features, '-d', root, raw, size], {
      signal,
    });
    await rm(root, { recursive: true });
    await command(['qemu-img', 'convert', '-O', 'qcow2', raw, join(work, 'box.img')], { signal });
    await rm(raw);
    await writeFile(
      join(work, 'metadata.json'),
      JSON.stringify({ provider: 'libvirt', format: 'qcow2', virtual_size: request.disk }),
    );
    await writeFile(join(work, 'Vagrantfile'), "Vagrant.configure('2') { |config| }\n");
    const parts = ['metadata.json', 'Vagrantfile', 'box.img'];
    await command(['tar', '-C', work, '-cf', join(work, 'debian.box'), ...parts], { signal });
    await rm(join(work, 'box.img'));
    await rm(overlay, { recursive: true });
  });
}
