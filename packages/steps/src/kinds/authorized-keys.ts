import { z } from 'zod';
import { atomicFile } from '../atomic-file.ts';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import {
  parsePathState,
  permissionChanges,
  permissionsText,
  stateFunction,
  typeName,
  type PathState,
} from '../path-state.ts';
import { splitOptions } from '../step-options.ts';
import { textDiff } from '../text-diff.ts';

/** The key itself, without its type, options and comment: what two lines are compared by. */
function blobOf(line: string): string | undefined {
  return line.startsWith('#') ? undefined : /(?:^|[ \t])(AAAA\S*)/.exec(line)?.[1];
}

const schema = z.strictObject({
  user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'a user name'),
  keys: z
    .array(
      z
        .string()
        .trim()
        .regex(/^[^\n\r#][^\n\r]*$/, 'one public key on one line')
        .refine((line) => blobOf(line) !== undefined, 'a public key: `ssh-ed25519 AAAA… comment`'),
    )
    .refine((keys) => new Set(keys.map(blobOf)).size === keys.length, 'a key is there twice'),
  /** No other keys. */
  exclusive: z.boolean().default(false),
});
type Desired = z.infer<typeof schema>;

type Observed =
  | { readonly user: 'missing' }
  | {
      readonly user: 'there';
      readonly home: string;
      readonly group: string;
      readonly folder: PathState;
      readonly file: PathState;
      readonly text: string;
    };

const probe = `
export LC_ALL=C
${stateFunction}
line=$(getent passwd "$1")
case $? in 0) ;; 2) echo missing; exit 0 ;; *) exit 1 ;; esac
home=$(printf '%s\\n' "$line" | cut -d: -f6)
printf '%s\\n' "$home"
id -gn "$1" || exit
state "$home/.ssh" || exit
if [ -L "$home/.ssh" ]; then echo absent; exit 0; fi
state "$home/.ssh/authorized_keys" || exit
[ "$type" != file ] || cat "$home/.ssh/authorized_keys"`;

const converge = `
export LC_ALL=C
${atomicFile}
user=$1 exclusive=$2 keys=$3
line=$(getent passwd "$user") || fail "there is no user $user"
home=$(printf '%s\\n' "$line" | cut -d: -f6)
group=$(id -gn "$user") || exit
folder=$home/.ssh file=$home/.ssh/authorized_keys
[ -d "$home" ] || fail "the home $home of $user does not exist"
if [ -L "$folder" ] || [ -L "$file" ]; then fail "$file: no symlink is followed"; fi
if ! [ -d "$folder" ]; then
  (umask 077; mkdir "$folder") || fail "$folder cannot be made"
  if command -v selinuxenabled >/dev/null && selinuxenabled; then restorecon "$folder"; fi
fi
chown "$user:$group" "$folder" && chmod 00700 "$folder" || fail "$folder: owner and mode cannot be set"
stage "$file"
if [ "$exclusive" = yes ] || ! [ -e "$file" ]; then
  printf %s "$keys" | cat >"$temp" || fail "$file cannot be written"
else
  printf %s "$keys" | awk '
    function blob(text,    fields, count, i) {
      if (text ~ /^#/) return ""
      count = split(text, fields, /[ \t]+/)
      for (i = 1; i <= count; i++) if (fields[i] ~ /^AAAA/) return fields[i]
      return ""
    }
    { key = blob($0) }
    part == "wanted" { order[++wanted] = key; own[key] = $0; next }
    key != "" && (key in own) { if (!(key in done)) print own[key]; done[key] = 1; next }
    { print }
    END { for (i = 1; i <= wanted; i++) if (!(order[i] in done)) print own[order[i]] }
  ' part=wanted - part=there "$file" >"$temp" || fail "$file cannot be written"
fi
place "$file" 0600 "$user" "$group"`;

/** The file as `converge` writes it. */
function wantedText({ keys, exclusive }: Desired, text: string | undefined): string {
  const all = keys.map((line) => `${line}\n`).join('');
  if (exclusive || text === undefined) return all;
  const wanted = new Map(keys.map((line) => [blobOf(line), line]));
  const done = new Set<string | undefined>();
  const out: string[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const blob = blobOf(line);
    const own = blob === undefined ? undefined : wanted.get(blob);
    if (own === undefined) out.push(line);
    else if (!done.has(blob)) {
      out.push(own);
      done.add(blob);
    }
  }
  const rest = keys.filter((line) => !done.has(blobOf(line)));
  const kept = text === '' ? [] : out;
  return [...kept, ...rest].map((line) => `${line}\n`).join('');
}

/** Who may log in as a user by SSH: keys, with the owner and the modes that sshd demands. */
export const authorizedKeysKind: StepKind<Desired, Observed> = {
  kind: 'authorizedKeys',
  schema,
  summary: ({ user, keys, exclusive }) =>
    `${exclusive ? 'just ' : ''}${keys.length} SSH keys of ${user}`,
  probe: ({ user }) => sh(probe, user),
  parse: ({ stdout }) => {
    if (stdout === 'missing\n') return { user: 'missing' };
    const [home = '', group = ''] = stdout.split('\n', 2);
    const { state: folder, rest } = parsePathState(stdout.slice(home.length + group.length + 2));
    const { state: file, rest: text } = parsePathState(rest);
    return { user: 'there', home, group, folder, file, text };
  },
  diff: (desired, observed) => {
    const { user, keys } = desired;
    if (observed.user === 'missing') {
      const after = `${keys.length} keys, once the user is there`;
      return [{ subject: `SSH keys of ${user}`, action: 'create', after }];
    }
    const { home, group, folder, file, text } = observed;
    const path = `${home}/.ssh/authorized_keys`;
    const changes: Change[] = [];
    const check = (
      at: string,
      state: PathState,
      type: PathState['type'],
      mode: string,
    ): boolean => {
      const wanted = { mode, owner: user, group };
      if (state.type === 'absent') {
        const after = `${typeName(type)}, ${permissionsText(wanted)}`;
        const diff = type === 'file' ? textDiff(undefined, wantedText(desired, undefined)) : '';
        changes.push({ subject: at, action: 'create', after, ...(diff === '' ? {} : { diff }) });
      } else if (state.type === type) {
        changes.push(...permissionChanges(at, wanted, state));
      } else {
        const why = `there is ${typeName(state.type)} where ${typeName(type)} should be`;
        const fix = 'look who put it there, and move it away by hand';
        changes.push({ subject: at, action: 'refuse', why, fix });
        return false;
      }
      return true;
    };
    if (!check(`${home}/.ssh`, folder, 'directory', '0700')) return changes;
    if (!check(path, file, 'file', '0600') || file.type === 'absent') return changes;
    const diff = textDiff(text, wantedText(desired, text));
    if (diff !== '') changes.push({ subject: path, action: 'update', diff });
    return changes;
  },
  converge: ({ user, keys, exclusive }) =>
    sh(converge, user, exclusive ? 'yes' : 'no', keys.map((line) => `${line}\n`).join('')),
};

export interface AuthorizedKeysOptions extends StepOptions {
  /** Lines as in a .pub file, with options before them where wanted. */
  readonly keys: readonly string[];
  /** No other keys; default false. */
  readonly exclusive?: boolean;
}

/** `authorizedKeys('deploy', { keys: ['ssh-ed25519 AAAA… kari'] })` */
export function authorizedKeys(user: string, given: AuthorizedKeysOptions): Step {
  const { options, own } = splitOptions(given);
  return { kind: authorizedKeysKind, name: user, desired: { user, ...own }, options };
}
