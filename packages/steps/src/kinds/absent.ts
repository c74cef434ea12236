import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { mountedFunction, probePath } from '../path-probe.ts';
import { parsePathState, typeName, type PathState } from '../path-state.ts';
import { splitOptions } from '../step-options.ts';

/** What no machine lives without, beside `/` and everything that lies directly in it. */
const kept = new Set([
  '/boot/efi',
  '/boot/grub',
  '/etc/pam.d',
  '/etc/ssh',
  '/etc/systemd',
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/local',
  '/usr/sbin',
  '/usr/share',
  '/var/cache',
  '/var/lib',
  '/var/lib/dpkg',
  '/var/lib/rpm',
  '/var/log',
]);

const schema = z.strictObject({
  path: absolutePath.refine(
    (path) => path.lastIndexOf('/') > 0 && !kept.has(path),
    'a machine does not live without this directory; name what in it should go',
  ),
  /** Remove a directory with all that is in it. */
  recursive: z.boolean().default(false),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly state: PathState;
  /** Only for a directory: how many entries it has, and whether a filesystem is mounted in or on it. */
  readonly entries?: number;
  readonly mounted?: boolean;
}

const converge = `
export LC_ALL=C
fail() { printf '%s\\n' "$*" >&2; exit 1; }
${mountedFunction}
if ! [ -d "$1" ] || [ -L "$1" ]; then rm -f -- "$1" || fail "$1 cannot be removed"; exit; fi
if [ "$2" = recursive ]; then
  if mounted "$1"; then fail "$1 holds a mounted filesystem: unmount it first"; fi
  rm -rf -- "$1" || fail "$1 cannot be removed"
else
  rmdir -- "$1" || fail "$1 cannot be removed"
fi`;

/** Nothing at a path: no file, no symbolic link, no directory. */
export const absentKind: StepKind<Desired, Observed> = {
  kind: 'absent',
  schema,
  summary: (desired) => `nothing at ${desired.path}`,
  probe: (desired) => probePath(desired.path, { how: 'entries' }),
  parse: ({ stdout }) => {
    const { state, rest } = parsePathState(stdout);
    if (state.type !== 'directory') return { state };
    const [count, mounted] = rest.trim().split('\n');
    return { state, entries: Number(count), mounted: mounted === 'mounted' };
  },
  diff: ({ path, recursive }, { state, entries = 0, mounted = false }) => {
    if (state.type === 'absent') return [];
    if (mounted) {
      const why = 'a filesystem is mounted on it or in it';
      return [{ subject: path, action: 'refuse', why, fix: 'unmount it first' }];
    }
    if (entries > 0 && !recursive) {
      const why = `the directory is not empty (${entries} entries)`;
      const fix = 'write { recursive: true } if all of it should go';
      return [{ subject: path, action: 'refuse', why, fix }];
    }
    const what = entries === 0 ? typeName(state.type) : `a directory with ${entries} entries`;
    return [{ subject: path, action: 'delete', before: what }];
  },
  converge: ({ path, recursive }) => sh(converge, path, recursive ? 'recursive' : 'plain'),
};

export interface AbsentOptions extends StepOptions {
  /** Remove a directory with all that is in it. */
  readonly recursive?: boolean;
}

/** `absent('/etc/cni/net.d/87-podman.conflist')` */
export function absent(path: string, given: AbsentOptions = {}): Step {
  const { options, own } = splitOptions(given);
  return { kind: absentKind, name: path, desired: { path, ...own }, options };
}
