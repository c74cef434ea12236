import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSshd, type Sshd } from './sshd.ts';

/** One sshd on loopback as many hosts, one for each address of 127.0.0.0/8. */
export interface ManyHosts {
  readonly sshd: Sshd;
  /** A path of the host with this address as this machine sees it: `at('127.0.1.1', 'srv/x')`. */
  at(address: string, path: string): string;
  stop(): Promise<void>;
}

// Only root may make a mount namespace; others see this machine as it is.
const enter = (folder: string): string => `#!/bin/sh
[ "$(id -u)" = 0 ] || exec sh -c "$SSH_ORIGINAL_COMMAND"
set -- $SSH_CONNECTION
root=${folder}/hosts/$3
mkdir -p "$root/run" "$root/lib" "$root/srv"
exec unshare -m sh -c '
  mount --bind "$1/run" /run/skerry && mount --bind "$1/lib" /var/lib/skerry &&
  mount --bind "$1/srv" /srv &&
  if [ -d "$1/etc" ]; then
    mkdir -p "$1/etc.work" &&
    mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/etc.work" overlay /etc
  fi && exec sh -c "$2"' sh "$root" "$SSH_ORIGINAL_COMMAND"
`;

/**
 * Each session enters a mount namespace of its address, in which /srv, /run/skerry and
 * /var/lib/skerry are folders of that host, and /etc is this machine's with the host's own changes
 * where it has a folder "etc"; all else is this machine's.
 */
export async function startManyHosts(): Promise<ManyHosts> {
  mkdirSync('/run/skerry', { recursive: true });
  mkdirSync('/var/lib/skerry', { recursive: true });
  const program = `/tmp/skerry-enter-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const sshd = await startSshd({ config: [`ForceCommand ${program}`] });
  writeFileSync(program, enter(sshd.folder), { mode: 0o755 });
  return {
    sshd,
    at: (address, path) => join(sshd.folder, 'hosts', address, path),
    stop: async () => {
      await sshd.stop();
      rmSync(program, { force: true });
    },
  };
}
