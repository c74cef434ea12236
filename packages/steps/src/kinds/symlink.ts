import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probePath } from '../path-probe.ts';
import { parsePathState, typeName, type PathState } from '../path-state.ts';

const schema = z.strictObject({
  path: absolutePath,
  /** Absolute, or relative to the folder of `path`; it need not exist. */
  target: z
    .string()
    .min(1)
    .regex(/^[^\0\n]+$/, 'a target holds no line break'),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly state: PathState;
  readonly target?: string;
}

const converge = `
export LC_ALL=C
fail() { printf '%s\\n' "$*" >&2; exit 1; }
folder=\${1%/*}
[ -d "\${folder:-/}" ] || fail "the folder \${folder:-/} does not exist: a directory step before this one makes it"
if [ -d "$1" ] && ! [ -L "$1" ]; then fail "$1 is a directory"; fi
temp=$(mktemp -d "$folder/.skerry.XXXXXX") || fail "nothing can be made in \${folder:-/}"
trap 'rm -rf "$temp"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
ln -s -- "$2" "$temp/link" || fail "$1 cannot be made"
mv -fT "$temp/link" "$1" || fail "$1 cannot be replaced"
if command -v selinuxenabled >/dev/null && selinuxenabled; then restorecon "$1"; fi`;

/** A symbolic link. A regular file at its path is replaced, and the plan says so. */
export const symlinkKind: StepKind<Desired, Observed> = {
  kind: 'symlink',
  schema,
  summary: (desired) => `symlink ${desired.path} → ${desired.target}`,
  probe: (desired) => probePath(desired.path),
  parse: ({ stdout }) => {
    const { state, rest } = parsePathState(stdout);
    return state.type === 'symlink' ? { state, target: rest.replace(/\n$/, '') } : { state };
  },
  diff: ({ path, target }, observed) => {
    const after = `a symlink to ${target}`;
    switch (observed.state.type) {
      case 'absent':
        return [{ subject: path, action: 'create', after }];
      case 'symlink':
        return observed.target === target
          ? []
          : [
              {
                subject: path,
                action: 'update',
                before: `a symlink to ${observed.target ?? '?'}`,
                after,
              },
            ];
      case 'file':
        return [{ subject: path, action: 'update', before: 'a file', after }];
      case 'directory':
      case 'other':
        return [
          {
            subject: path,
            action: 'refuse',
            why: `there is ${typeName(observed.state.type)} where the symlink should be`,
            fix: 'move it away by hand, or remove it with an absent() step',
          },
        ];
    }
  },
  converge: ({ path, target }) => sh(converge, path, target),
};

/** `symlink('/etc/localtime', '/usr/share/zoneinfo/Europe/Oslo')`: a link at the first, to the second. */
export function symlink(path: string, target: string, options: StepOptions = {}): Step {
  return { kind: symlinkKind, name: path, desired: { path, target }, options };
}
