import { z } from 'zod';
import { absolutePath, accountName, fileMode } from '../absolute-path.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import {
  parsePathState,
  permissionChanges,
  permissionsText,
  typeName,
  type PathState,
} from '../path-state.ts';
import { probePath } from '../path-probe.ts';
import { splitOptions } from '../step-options.ts';
import type { FilePermissions } from './file.ts';

const schema = z.strictObject({
  path: absolutePath,
  mode: fileMode.default('0755'),
  owner: accountName.default('root'),
  group: accountName.default('root'),
});
type Desired = z.infer<typeof schema>;

const converge = `
export LC_ALL=C
fail() { printf '%s\\n' "$*" >&2; exit 1; }
umask 022
parent=\${1%/*}
mkdir -p "\${parent:-/}" || fail "the folder \${parent:-/} cannot be made"
if [ -L "$1" ]; then fail "$1 is a symlink"; fi
if ! [ -d "$1" ]; then
  (umask 077; mkdir "$1") || fail "$1 cannot be made"
  if command -v selinuxenabled >/dev/null && selinuxenabled; then restorecon "$1"; fi
fi
chown "$3:$4" "$1" || fail "$1: owner and group $3:$4 cannot be set"
chmod "0$2" "$1" || fail "$1: mode $2 cannot be set"`;

/** A directory with its mode and owner; what is in it is left alone. Missing parents are made, 0755. */
export const directoryKind: StepKind<Desired, PathState> = {
  kind: 'directory',
  schema,
  summary: (desired) => `directory ${desired.path}, ${permissionsText(desired)}`,
  probe: (desired) => probePath(desired.path),
  parse: ({ stdout }) => parsePathState(stdout).state,
  diff: (desired, state) => {
    const { path } = desired;
    if (state.type === 'directory') return permissionChanges(path, desired, state);
    if (state.type === 'absent') {
      return [
        { subject: path, action: 'create', after: `a directory, ${permissionsText(desired)}` },
      ];
    }
    const why = `there is ${typeName(state.type)} where the directory should be`;
    const fix =
      state.type === 'symlink'
        ? 'name the directory that the symlink points to, or remove the symlink with absent()'
        : 'move it away by hand, or remove it with an absent() step';
    return [{ subject: path, action: 'refuse', why, fix }];
  },
  converge: ({ path, mode, owner, group }) => sh(converge, path, mode, owner, group),
};

export type DirectoryOptions = StepOptions & FilePermissions;

/** `directory('/var/lib/etcd', { mode: '0700' })`; the mode is 0755 by default. */
export function directory(path: string, given: DirectoryOptions = {}): Step {
  const { options, own } = splitOptions(given);
  return { kind: directoryKind, name: path, desired: { path, ...own }, options };
}
