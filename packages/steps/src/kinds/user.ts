import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { splitOptions } from '../step-options.ts';

/** As useradd takes it by default on Debian and RHEL. */
const account = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'a user or group name');
const number = z.int().min(0).max(4_294_967_294);

const schema = z.strictObject({
  name: account.refine((name) => name !== 'root', 'root is not managed by a user step'),
  uid: number.optional(),
  /** The primary group; one of the user's own name by default. Made where it is missing. */
  group: account.optional(),
  /** More groups that the user must be in; others are left. Made where they are missing. */
  groups: z.array(account).default([]),
  shell: absolutePath.optional(),
  /** Made with the user; an existing user's home is not moved. */
  home: absolutePath.optional(),
  system: z.boolean().default(false),
  /** As in shadow(5): `$y$…`. */
  passwordHash: z
    .string()
    .regex(/^[^\n]+$/)
    .optional(),
  absent: z.boolean().default(false),
});
type Desired = z.infer<typeof schema>;

type Observed =
  | { readonly exists: false }
  | {
      readonly exists: true;
      readonly uid: number;
      readonly home: string;
      readonly shell: string;
      readonly group: string;
      readonly groups: readonly string[];
      readonly password: 'same' | 'differs';
    };

const probe = `
export LC_ALL=C
line=$(getent passwd "$1")
case $? in 0) ;; 2) echo absent; exit 0 ;; *) exit 1 ;; esac
printf '%s\\n' "$line"
id -gn "$1" 2>/dev/null
id -Gn "$1" 2>/dev/null
[ -n "$2" ] || exit 0
sum=$(getent shadow "$1" | cut -d: -f2 | tr -d '\\n' | sha256sum) || exit
if [ "\${sum%% *}" = "$2" ]; then echo same; else echo differs; fi`;

const remove = `
export LC_ALL=C
getent passwd "$1" >/dev/null || exit 0
userdel "$1"`;

const converge = `
export LC_ALL=C
fail() { printf '%s\\n' "$*" >&2; exit 1; }
name=$1 uid=$2 group=$3 groups=$4 shell=$5 home=$6 system=$7 hash=$8
for each in $group $(printf %s "$groups" | tr , ' '); do
  getent group "$each" >/dev/null || groupadd \${system:+-r} "$each" || fail "the group $each cannot be made"
done
set --
if [ -n "$uid" ]; then set -- "$@" -u "$uid"; fi
if [ -n "$shell" ]; then set -- "$@" -s "$shell"; fi
if [ -n "$home" ]; then set -- "$@" -d "$home"; fi
if getent passwd "$name" >/dev/null; then
  if [ -n "$group" ]; then set -- "$@" -g "$group"; fi
  if [ -n "$groups" ]; then set -- "$@" -a -G "$groups"; fi
  [ $# -eq 0 ] || usermod "$@" "$name" || fail "the user $name cannot be changed"
else
  if [ -n "$groups" ]; then set -- "$@" -G "$groups"; fi
  if [ -z "$group" ] && getent group "$name" >/dev/null; then group=$name; fi
  if [ -n "$group" ]; then set -- "$@" -g "$group"; else set -- "$@" -U; fi
  if [ -n "$system" ]; then set -- "$@" -r -M; else set -- "$@" -m; fi
  useradd "$@" "$name" || fail "the user $name cannot be made"
fi
if [ -n "$hash" ]; then
  case $hash in *:*) fail "the password hash of $name holds a colon" ;; esac
  printf '%s:%s\\n' "$name" "$hash" | chpasswd -e || fail "the password of $name cannot be set"
fi`;

function changesOf(desired: Desired, observed: Extract<Observed, { exists: true }>): Change[] {
  const changes: Change[] = [];
  const compare = (what: string, before: string, after: string | undefined): void => {
    if (after === undefined || before === after) return;
    changes.push({ subject: `user ${desired.name} (${what})`, action: 'update', before, after });
  };
  compare('uid', String(observed.uid), desired.uid?.toString());
  compare('group', observed.group, desired.group);
  const lacking = desired.groups.filter((group) => !observed.groups.includes(group));
  if (lacking.length > 0) {
    compare('groups', observed.groups.join(','), [...observed.groups, ...lacking].join(','));
  }
  compare('shell', observed.shell, desired.shell);
  compare('home', observed.home, desired.home);
  if (desired.passwordHash !== undefined && observed.password === 'differs') {
    compare('password', 'another', 'not shown');
  }
  return changes;
}

/** A user of the machine. The password's hash goes through a pipe and is never shown. */
export const userKind: StepKind<Desired, Observed> = {
  kind: 'user',
  schema,
  summary: ({ name, absent, system }) =>
    absent ? `no user ${name}` : `${system ? 'system user' : 'user'} ${name}`,
  probe: ({ name, passwordHash }) =>
    sh(probe, name, passwordHash === undefined ? '' : { sha256Of: passwordHash }),
  parse: ({ stdout }) => {
    const [line = '', group = '', groups = '', password] = stdout.split('\n');
    if (line === 'absent') return { exists: false };
    const [, , uid, , , home, shell] = line.split(':');
    if (uid === undefined || home === undefined || shell === undefined) {
      throw new Error(`the probe printed a line that cannot be read: ${line}`);
    }
    return {
      exists: true,
      uid: Number(uid),
      home,
      shell,
      group,
      groups: groups.split(' ').filter((name) => name !== ''),
      password: password === 'differs' ? 'differs' : 'same',
    };
  },
  diff: (desired, observed) => {
    const subject = `user ${desired.name}`;
    if (desired.absent) {
      return observed.exists
        ? [{ subject, action: 'delete', before: `uid ${observed.uid}, home ${observed.home}` }]
        : [];
    }
    if (observed.exists) return changesOf(desired, observed);
    const { uid, groups, system } = desired;
    const parts = [system ? 'a system user' : 'a user'];
    if (uid !== undefined) parts.push(`uid ${uid}`);
    if (groups.length > 0) parts.push(`in ${groups.join(', ')}`);
    return [{ subject, action: 'create', after: parts.join(', ') }];
  },
  converge: (desired) =>
    desired.absent
      ? sh(remove, desired.name)
      : sh(
          converge,
          desired.name,
          desired.uid?.toString() ?? '',
          desired.group ?? '',
          desired.groups.join(','),
          desired.shell ?? '',
          desired.home ?? '',
          desired.system ? 'system' : '',
          desired.passwordHash ?? '',
        ),
};

export interface UserOptions extends StepOptions {
  readonly uid?: number;
  /** The primary group; one of the user's own name by default. Made where it is missing. */
  readonly group?: string;
  /** More groups that the user must be in; others are left. Made where they are missing. */
  readonly groups?: readonly string[];
  readonly shell?: string;
  /** Made with the user; an existing user's home is not moved. */
  readonly home?: string;
  /** A uid of the system's range, and no home. */
  readonly system?: boolean;
  /** As in shadow(5); write it as a secret. */
  readonly passwordHash?: string;
  /** No such user; the home directory is left. */
  readonly absent?: boolean;
}

/** `user('deploy', { groups: ['sudo'], shell: '/bin/bash' })` */
export function user(name: string, given: UserOptions = {}): Step {
  const { options, own } = splitOptions(given);
  return { kind: userKind, name, desired: { name, ...own }, options };
}
