import { z } from 'zod';
import { writeFile } from '../write-file.ts';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { textDiff } from '../text-diff.ts';

const schema = z.strictObject({
  /** The file under /etc/sysctl.d is `90-NAME.conf`; set by the factory. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /**
   * Keys and values as in sysctl.d(5). The first separator of a key decides: after a dot, `/` stands
   * for a dot inside a name (`net.ipv4.conf.enp3s0/200.forwarding`); after a slash all stays as it
   * is. A key with `*` is only persisted; a key with `-` in front may be unknown to the kernel.
   */
  values: z
    .record(
      z.string().regex(/^-?[a-z0-9_]+([./][A-Za-z0-9_*:@-]+)+$/),
      z.union([z.string().regex(/^[^\n]*$/, 'a value is one line'), z.number()]).transform(String),
    )
    .superRefine((values, context) => {
      const seen = new Map<string, string>();
      for (const key of Object.keys(values)) {
        const other = seen.get(pathOf(key));
        if (other === undefined) seen.set(pathOf(key), key);
        else context.addIssue({ code: 'custom', path: [key], message: `the same key as ${other}` });
      }
    }),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** By path below /proc/sys; undefined where the kernel has no such key (now). */
  readonly live: Readonly<Record<string, string | undefined>>;
  /** undefined where the file does not exist. */
  readonly file: string | undefined;
  /** Lines of files that are read after ours at boot, and name one of our keys: `FILE:LINE`. */
  readonly later: readonly string[];
}

/** The path below /proc/sys of a key as people write it. */
function pathOf(key: string): string {
  const plain = key.replace(/^-/, '');
  if (/^[^./]*\//.test(plain)) return plain;
  return plain.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

const isGlob = (key: string): boolean => key.includes('*');

const file = (desired: Desired): string => `/etc/sysctl.d/90-${desired.name}.conf`;

function fileText(desired: Desired): string {
  const lines = Object.entries(desired.values).map(([key, value]) => `${key} = ${value}`);
  return `# Managed by Skerry: sysctl ${desired.name}\n${lines.join('\n')}\n`;
}

const liveKeys = (desired: Desired): string[] =>
  Object.keys(desired.values).filter((key) => !isGlob(key));

/** The kernel prints several numbers separated by tabs; people write spaces. */
const normalize = (value: string): string => value.trim().replaceAll(/\s+/g, ' ');

/** Path and value of a line of sysctl.d(5); undefined for comments and for what sets nothing. */
function parseLine(line: string): readonly [path: string, value: string] | undefined {
  const [, key, value] = /^\s*(?:-\s*)?([^#;=\s][^=\s]*)\s*=\s*(.*)$/.exec(line) ?? [];
  return key === undefined || value === undefined ? undefined : [pathOf(key), normalize(value)];
}

// systemd-sysctl reads the files of all folders in the order of their names, the last one wins. One awk
// reads all keys; some can be opened and not read (stable_secret of IPv6), and then each is read alone.
const probe = `
export LC_ALL=C
file=$1; shift
readable() {
  left=$#
  while [ "$left" -gt 0 ]; do
    if [ -r "/proc/sys/$1" ]; then set -- "$@" "/proc/sys/$1"; fi
    shift; left=$((left - 1))
  done
  [ $# = 0 ] || values "$@" 2>/dev/null || for path; do
    printf '%s=%s\\n' "\${path#/proc/sys/}" "$(tr '\\n\\t' '  ' <"$path")"
  done
}
values() {
  all=$(awk '
    { value[FILENAME] = value[FILENAME] " " $0 }
    END {
      for (i = 1; i < ARGC; i++) {
        gsub(/\\t/, " ", value[ARGV[i]])
        print substr(ARGV[i], 11) "=" value[ARGV[i]]
      }
    }' "$@") && printf '%s\\n' "$all"
}
readable "$@"
for path; do
  if [ -r "/proc/sys/$path" ]; then :
  elif [ -e "/proc/sys/$path" ]; then printf '%s=\\n' "$path"
  else printf '%s\\n' "$path"
  fi
done
echo '--'
count=$#
for other in /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf; do
  if [ -r "$other" ]; then set -- "$@" "$other"; fi
done
# later LEAVES FILE…: lines of files behind ours that hold one of the names.
later() {
  [ -n "$1" ] && [ $# -gt 1 ] || return 0
  leaves=$1; shift
  printf '%s\\n' "$leaves" | awk -v ours="\${file##*/}" '
    NR == FNR { sub(/.*[/]/, ""); leaf[$0]; next }
    FNR == 1 { name = FILENAME; sub(/.*[/]/, "", name) }
    name <= ours || /^[ \\t]*[#;]/ { next }
    { for (one in leaf) if (index($0, one)) { print FILENAME ":" $0; next } }' - "$@"
}
leaves=
while [ "$count" -gt 0 ]; do leaves="$leaves\${leaves:+
}$1"; shift; count=$((count - 1)); done
later "$leaves" "$@"
echo '--'
if [ -e "$file" ]; then echo '--'; cat "$file"; fi
`;

const converge = `${writeFile}
file=$1 text=$2; shift 2
write_file "$file" 0644 "$text"
status=0
while [ $# -gt 0 ]; do
  if [ "$3" = optional ] && [ ! -e "/proc/sys/$1" ]; then
    :
  elif [ ! -e "/proc/sys/$1" ]; then
    echo "$1: this kernel has no such key (now); is its module loaded?" >&2
    status=1
  elif ! printf '%s\\n' "$2" >"/proc/sys/$1"; then
    echo "$1: the kernel does not take the value $2" >&2
    status=1
  fi
  shift 3
done
exit $status
`;

/** Kernel parameters, live and persisted in /etc/sysctl.d. */
export const sysctlKind: StepKind<Desired, Observed> = {
  kind: 'sysctl',
  schema,
  summary: (desired) => `${Object.keys(desired.values).length} kernel parameters`,
  probe: (desired) => sh(probe, file(desired), ...liveKeys(desired).map(pathOf)),
  parse: ({ stdout }) => {
    const [head = '', middle = '', ...rest] = stdout.split(/^--\n/m);
    const live: Record<string, string | undefined> = {};
    for (const line of head.split('\n')) {
      if (line === '') continue;
      const equals = line.indexOf('=');
      if (equals < 0) live[line] = undefined;
      else live[line.slice(0, equals)] = normalize(line.slice(equals + 1));
    }
    return {
      live,
      file: rest.length < 2 ? undefined : rest.slice(1).join('--\n'),
      later: middle.split('\n').filter((line) => line !== ''),
    };
  },
  diff: (desired, observed) => [
    ...liveChanges(desired, observed),
    ...fileChanges(desired, observed),
    ...overruled(desired, observed),
  ],
  converge: (desired) =>
    sh(
      converge,
      file(desired),
      fileText(desired),
      ...liveKeys(desired).flatMap((key) => [
        pathOf(key),
        desired.values[key] ?? '',
        key.startsWith('-') ? 'optional' : 'required',
      ]),
    ),
};

function liveChanges(desired: Desired, observed: Observed): Change[] {
  return liveKeys(desired).flatMap((key): Change[] => {
    const after = normalize(desired.values[key] ?? '');
    const before = observed.live[pathOf(key)];
    if (before === after || (before === undefined && key.startsWith('-'))) return [];
    const subject = `${key.replace(/^-/, '')} (live)`;
    return [
      before === undefined
        ? { subject, action: 'create', after, why: 'the kernel has no such key yet' }
        : { subject, action: 'update', before, after },
    ];
  });
}

function fileChanges(desired: Desired, observed: Observed): Change[] {
  const diff = textDiff(observed.file, fileText(desired));
  if (diff === '') return [];
  const action = observed.file === undefined ? 'create' : 'update';
  return [{ subject: file(desired), action, diff }];
}

/** A file that comes after ours would undo the value at the next boot. */
function overruled(desired: Desired, observed: Observed): Change[] {
  return observed.later.flatMap((found): Change[] => {
    const [, other, line] = /^([^:]*):(.*)$/.exec(found) ?? [];
    const set = line === undefined ? undefined : parseLine(line);
    if (other === undefined || set === undefined) return [];
    const key = liveKeys(desired).find((candidate) => pathOf(candidate) === set[0]);
    const after = key === undefined ? undefined : normalize(desired.values[key] ?? '');
    if (key === undefined || after === set[1]) return [];
    return [
      {
        subject: `${key.replace(/^-/, '')} (at boot)`,
        action: 'refuse',
        before: set[1],
        why: `${other} is read after ${file(desired)} and sets it to ${set[1]}`,
        fix: `remove that line from ${other}, or give the step that value`,
      },
    ];
  });
}

/** `sysctl('kubernetes', { 'net.ipv4.ip_forward': 1 })` */
export function sysctl(
  name: string,
  values: Readonly<Record<string, string | number>>,
  options: StepOptions = {},
): Step {
  return { kind: sysctlKind, name, desired: { name, values }, options };
}
