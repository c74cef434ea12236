import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A place of its own for what a kind changes: mount, UTS and network namespaces in which /etc, /var
 * and /boot can be written (in memory, over the real ones), and which end with the test.
 */
export interface Namespace extends AsyncDisposable {
  /** For `RunFragmentOptions.inside`. */
  readonly inside: readonly string[];
}

/** Namespaces need root. */
export const canUseNamespaces = process.getuid?.() === 0;

const setUp = `
set -e
mount --make-rprivate /
mkdir -p /tmp/skerry-test
mount -t tmpfs tmpfs /tmp/skerry-test
for at in etc var boot; do
  mkdir -p /tmp/skerry-test/$at/upper /tmp/skerry-test/$at/work
  mount -t overlay overlay -o "lowerdir=/$at,upperdir=/tmp/skerry-test/$at/upper,workdir=/tmp/skerry-test/$at/work" /$at
done
mkdir -p /dev/disk
mount -t tmpfs tmpfs /dev/disk
mkdir -p /dev/disk/by-id
ip link set lo up 2>/dev/null || :
echo ready
read -r _
`;

export async function namespace(): Promise<Namespace> {
  const child = spawn('unshare', ['-m', '-u', '-n', 'sh', '-c', setUp], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  if (child.exitCode !== null) throw new Error('no namespace could be made');
  return {
    inside: ['nsenter', '-t', String(child.pid), '-m', '-u', '-n'],
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}
