import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';

const schema = z.strictObject({
  /** The file under /etc/sysctl.d, without `.conf`; set by the factory. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** Dotted keys and their values; a `*` in a key is only persisted, never read back live. */
  values: z.record(
    z.string().regex(/^[a-z0-9_]+([./][A-Za-z0-9_*.-]+)+$/),
    z.union([z.string(), z.number()]).transform(String),
  ),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** undefined where the kernel has no such key (now). */
  readonly live: Readonly<Record<string, string | undefined>>;
  /** undefined where the file does not exist. */
  readonly file: string | undefined;
}

const path = (desired: Desired): string => `/etc/sysctl.d/90-${desired.name}.conf`;

function fileText(desired: Desired): string {
  const lines = Object.entries(desired.values).map(([key, value]) => `${key} = ${value}`);
  return `# Managed by Skerry: sysctl ${desired.name}\n${lines.join('\n')}\n`;
}

const liveKeys = (desired: Desired): string[] =>
  Object.keys(desired.values).filter((key) => !key.includes('*'));

/** The kernel prints several numbers separated by tabs; people write spaces. */
const normalize = (value: string): string => value.trim().replaceAll(/\s+/g, ' ');

const probe = `
file=$1; shift
for key; do
  at=/proc/sys/$(printf %s "$key" | tr ./ /.)
  if [ -r "$at" ]; then printf '%s=%s\\n' "$key" "$(tr '\\n\\t' '  ' <"$at")"; else printf '%s\\n' "$key"; fi
done
if [ -e "$file" ]; then echo '--'; cat "$file"; fi
`;

const converge = `
file=$1 text=$2; shift 2
mkdir -p /etc/sysctl.d
tmp=$(mktemp /etc/sysctl.d/.skerry.XXXXXX) || exit 1
trap 'rm -f "$tmp"' EXIT
printf %s "$text" >"$tmp" && chmod 0644 "$tmp" && mv -f "$tmp" "$file" || exit 1
status=0
while [ $# -gt 0 ]; do
  sysctl -q -w "$1=$2" || status=1
  shift 2
done
exit $status
`;

/** Kernel parameters, live and persisted in /etc/sysctl.d. */
export const sysctlKind: StepKind<Desired, Observed> = {
  kind: 'sysctl',
  schema,
  summary: (desired) => `${Object.keys(desired.values).length} kernel parameters`,
  probe: (desired) => sh(probe, path(desired), ...liveKeys(desired)),
  parse: ({ stdout }) => {
    const split = stdout.match(/^--\n/m);
    const head = split?.index === undefined ? stdout : stdout.slice(0, split.index);
    const live: Record<string, string | undefined> = {};
    for (const line of head.split('\n')) {
      if (line === '') continue;
      const equals = line.indexOf('=');
      if (equals < 0) live[line] = undefined;
      else live[line.slice(0, equals)] = normalize(line.slice(equals + 1));
    }
    const file = split?.index === undefined ? undefined : stdout.slice(split.index + 3);
    return { live, file };
  },
  diff: (desired, observed) => {
    const changes: Change[] = [];
    for (const key of liveKeys(desired)) {
      const after = normalize(desired.values[key] ?? '');
      const before = observed.live[key];
      if (before === after) continue;
      const subject = `${key} (live)`;
      changes.push(
        before === undefined
          ? { subject, action: 'create', after }
          : { subject, action: 'update', before, after },
      );
    }
    const lines = (text: string): string[] =>
      text.split('\n').flatMap((line) => {
        const [key, value] = line.split('=');
        return value === undefined || line.startsWith('#')
          ? []
          : [`${key?.trim()}\n${normalize(value)}`];
      });
    const want = lines(fileText(desired));
    const have = new Set(lines(observed.file ?? ''));
    const stale = have.size !== want.length || want.some((line) => !have.has(line));
    if (stale) {
      changes.push({
        subject: path(desired),
        action: observed.file === undefined ? 'create' : 'update',
        after: `${want.length} parameters at boot`,
      });
    }
    return changes;
  },
  converge: (desired) =>
    sh(
      converge,
      path(desired),
      fileText(desired),
      ...liveKeys(desired).flatMap((key) => [key, desired.values[key] ?? '']),
    ),
};

/** `sysctl('kubernetes', { 'net.ipv4.ip_forward': 1 })` */
export function sysctl(
  name: string,
  values: Readonly<Record<string, string | number>>,
  options: StepOptions = {},
): Step {
  return { kind: sysctlKind, name, desired: { name, values }, options };
}
