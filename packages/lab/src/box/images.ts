import { command } from '../command.ts';
import type { Progress } from '../progress.ts';
import type { SeedContents } from '../seed.ts';

/** An image of the bundle that the box has unpacked. */
export interface BoxImage {
  /** Absolute: an OCI archive. */
  readonly path: string;
  readonly sha256: string;
}

/**
 * Bytes from which an image is worth it. What is smaller takes an emulated machine a second or two,
 * and goes into it as on real ones: so that way is always walked too.
 */
const large = 16 * 2 ** 20;

/** The package that the images are for. Without it in the box there is nothing to give them to. */
const containerd = 'containerd';

/**
 * The images that a box with these packages has from the start: unpacking 100 MB takes an emulated
 * machine half a minute, and this computer one second.
 */
export function boxImages(
  packages: readonly string[],
  seed: SeedContents | undefined,
): readonly BoxImage[] {
  if (seed === undefined || !packages.includes(containerd)) return [];
  return seed.files
    .filter(({ kind, size }) => kind === 'image' && size >= large)
    .map(({ path, sha256 }) => ({ path, sha256 }));
}

/**
 * Run by `unshare --mount --pid`: `sh SCRIPT ROOT ARCHIVE…`. The box's own containerd imports the
 * archives into the box's folder; all mounts and processes end with the script.
 */
export const imagesScript = `set -eu
root=$1
shift
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for folder in run tmp mnt; do mount -t tmpfs tmpfs "$root/$folder"; done
# containers are not started here: what serves the kubelet would only look for cgroups and networks
echo 'version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]' > "$root/run/containerd.toml"
chroot "$root" containerd --config /run/containerd.toml > "$root/tmp/log" 2>&1 &
server=$!
tries=0
until chroot "$root" ctr version > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
    echo 'containerd does not answer in the box:' >&2
    tail -n 5 "$root/tmp/log" >&2
    exit 1
  fi
  sleep 0.1
done
for archive; do
  echo "\${archive##*/}"
  : > "$root/mnt/archive"
  mount --bind "$archive" "$root/mnt/archive"
  chroot "$root" ctr -n k8s.io images import /mnt/archive > /dev/null
  umount "$root/mnt/archive"
done
kill "$server"
wait "$server" || :
`;

/** Puts the images into the box that is being built in `root`. */
export async function importImages(
  root: string,
  images: readonly BoxImage[],
  script: string,
  progress: Progress,
): Promise<void> {
  await progress.stage('images in the box', async (note) => {
    const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
    const paths = images.map(({ path }) => path);
    await command([...unshare, 'sh', script, root, ...paths], {
      signal: progress.signal,
      onLine: note,
    });
  });
}
