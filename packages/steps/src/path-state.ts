import type { Change } from './change.ts';

/** What stands at a path on a host. Symbolic links are never followed. */
export type PathState =
  | { readonly type: 'absent' }
  | {
      readonly type: 'file' | 'directory' | 'symlink' | 'other';
      /** Four octal digits. */
      readonly mode: string;
      readonly uid: string;
      readonly gid: string;
      /** `UNKNOWN` where the number has no name. */
      readonly owner: string;
      readonly group: string;
    };

/** Defines `state PATH`: prints one line that `parsePathState` reads. */
export const stateFunction = `
state() {
  if [ -L "$1" ]; then type=symlink
  elif [ -f "$1" ]; then type="file"
  elif [ -d "$1" ]; then type=directory
  elif [ -e "$1" ]; then type=other
  else type=absent; echo absent; return 0
  fi
  stat -c "$type/%a/%u/%g/%U/%G" "$1"
}`;

/** Takes the first line off; the rest is the kind's own. */
export function parsePathState(stdout: string): {
  readonly state: PathState;
  readonly rest: string;
} {
  const end = stdout.indexOf('\n');
  if (end < 0) throw new Error('the probe printed no line about the path');
  const rest = stdout.slice(end + 1);
  const [type, mode, uid, gid, owner, group] = stdout.slice(0, end).split('/');
  if (type === 'absent') return { state: { type }, rest };
  if (
    (type === 'file' || type === 'directory' || type === 'symlink' || type === 'other') &&
    mode !== undefined &&
    uid !== undefined &&
    gid !== undefined &&
    owner !== undefined &&
    group !== undefined
  ) {
    return { state: { type, mode: mode.padStart(4, '0'), uid, gid, owner, group }, rest };
  }
  throw new Error(`the probe printed a line that cannot be read: ${stdout.slice(0, end)}`);
}

/** `symlink`, `a device, socket or pipe`: for messages. */
export function typeName(type: PathState['type']): string {
  return type === 'other' ? 'a device, socket or pipe' : `a ${type}`;
}

interface Permissions {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

/** Changes of mode, owner and group; each wanted name may be a name or a number. */
export function permissionChanges(
  path: string,
  desired: Permissions,
  state: Exclude<PathState, { type: 'absent' }>,
): Change[] {
  const changes: Change[] = [];
  const differs = (what: string, before: string, after: string): void => {
    changes.push({ subject: `${path} (${what})`, action: 'update', before, after });
  };
  const known = (name: string, number: string): string => (name === 'UNKNOWN' ? number : name);
  if (state.mode !== desired.mode) differs('mode', state.mode, desired.mode);
  if (desired.owner !== state.owner && desired.owner !== state.uid) {
    differs('owner', known(state.owner, state.uid), desired.owner);
  }
  if (desired.group !== state.group && desired.group !== state.gid) {
    differs('group', known(state.group, state.gid), desired.group);
  }
  return changes;
}

/** `0644 root:root` */
export function permissionsText({ mode, owner, group }: Permissions): string {
  return `${mode} ${owner}:${group}`;
}
