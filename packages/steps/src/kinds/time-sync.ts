import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { writeFile } from '../write-file.ts';

const schema = z.strictObject({
  /** Names or addresses, which replace all others in the configuration; empty: leave them. */
  servers: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/)).default([]),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** The daemon that the host has. */
  readonly daemon: 'chrony' | 'timesyncd' | 'none';
  readonly unit: string;
  readonly active: string;
  readonly enabled: string;
  /** `FILE:server NAME …`: what the configuration names now. */
  readonly sources: readonly string[];
  /** The configuration was written, and the daemon not started again since. */
  readonly pending: boolean;
  /** What systemd says of the kernel's clock; '' where it cannot say. For the reader only. */
}

const dropIn = '/etc/systemd/timesyncd.conf.d/90-skerry.conf';
const pendingMark = '/var/lib/skerry/restart-timeSync';

// Debian and RHEL call the unit of chrony differently, and put its configuration in different places.
const findDaemon = `
has_unit() {
  for at in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    [ -f "$at/$1" ] && return 0
  done
  return 1
}
find_daemon() {
  daemon=none unit='' main=''
  if has_unit chronyd.service; then daemon=chrony unit=chronyd.service
  elif has_unit chrony.service; then daemon=chrony unit=chrony.service
  elif has_unit systemd-timesyncd.service; then daemon=timesyncd unit=systemd-timesyncd.service
  fi
  if [ "$daemon" = chrony ]; then
    main=/etc/chrony/chrony.conf
    [ -e "$main" ] || main=/etc/chrony.conf
  fi
}
chrony_files() {
  for file in "$main" /etc/chrony/conf.d/*.conf /etc/chrony/sources.d/*.sources /etc/chrony.d/*.conf; do
    [ -f "$file" ] && printf '%s\\n' "$file"
  done
}`;

const probe = `${findDaemon}
find_daemon
printf 'daemon %s\\nunit %s\\n' "$daemon" "$unit"
[ "$daemon" = none ] && exit 0
state=$(systemctl show --property=ActiveState,UnitFileState -- "$unit") || exit 1
printf '%s\\n' "$state" | tr = ' '
[ -e "$2" ] && echo pending
if [ "$daemon" = chrony ]; then
  for file in $(chrony_files); do
    sed -n -e 's/^[[:space:]]*\\(server\\|pool\\|peer\\)[[:space:]][[:space:]]*/\\1 /p' "$file" | sed "s|^|source $file:|"
  done
else
  for file in /etc/systemd/timesyncd.conf /etc/systemd/timesyncd.conf.d/*.conf; do
    if [ -f "$file" ]; then sed -n 's/^NTP=//p' "$file" | sed "s|^|source $file:|"; fi
  done
fi
`;

const converge = `${findDaemon}
${writeFile}
mark=$1 drop=$2; shift 2
find_daemon
[ "$daemon" != none ] || fail 'neither chrony nor systemd-timesyncd is installed'
mkdir -p "\${mark%/*}" && : >"$mark" || exit 1
if [ $# -gt 0 ] && [ "$daemon" = timesyncd ]; then
  for file in /etc/systemd/timesyncd.conf.d/*.conf; do
    if [ ! -f "$file" ] || [ "$file" = "$drop" ] || ! grep -q '^NTP=' "$file"; then continue; fi
    edited=$(sed 's/^NTP=/#&/' "$file") && write_file "$file" 0644 "$edited
" || exit 1
  done
  if [ -f /etc/systemd/timesyncd.conf ] && grep -q '^NTP=' /etc/systemd/timesyncd.conf; then
    edited=$(sed 's/^NTP=/#&/' /etc/systemd/timesyncd.conf) && write_file /etc/systemd/timesyncd.conf 0644 "$edited
" || exit 1
  fi
  write_file "$drop" 0644 "# Managed by Skerry: timeSync
[Time]
NTP=$*
"
elif [ $# -gt 0 ]; then
  lines=$(for server; do echo "server $server iburst"; done)
  for file in $(chrony_files); do
    edited=$(sed -e '/^# BEGIN Skerry timeSync$/,/^# END Skerry timeSync$/d' -e 's/^[[:space:]]*\\(server\\|pool\\|peer\\)[[:space:]]/#&/' "$file") || exit 1
    [ "$file" = "$main" ] && edited="$edited
# BEGIN Skerry timeSync
$lines
# END Skerry timeSync"
    [ "$edited" = "$(cat "$file")" ] || write_file "$file" 0644 "$edited
"
  done
fi
if [ "$(systemctl is-enabled -- "$unit" 2>/dev/null)" != enabled ]; then systemctl --quiet enable -- "$unit" || exit; fi
systemctl restart -- "$unit" && rm -f "$mark"
`;

const wantedSources = (desired: Desired, daemon: Observed['daemon']): string[] =>
  daemon === 'timesyncd'
    ? [desired.servers.join(' ')]
    : desired.servers.map((server) => `server ${server} iburst`);

/** The clock follows time servers, by chrony or systemd-timesyncd, whichever the host has. */
export const timeSyncKind: StepKind<Desired, Observed> = {
  kind: 'timeSync',
  schema,
  summary: ({ servers }) =>
    servers.length === 0 ? 'the clock is synchronized' : `time from ${servers.join(', ')}`,
  probe: () => sh(probe, dropIn, pendingMark),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const daemon = required(lines, 'daemon');
    if (daemon !== 'chrony' && daemon !== 'timesyncd' && daemon !== 'none') {
      throw new Error(`unknown time daemon ${daemon}`);
    }
    return {
      daemon,
      unit: required(lines, 'unit'),
      active: lines.one('ActiveState') ?? '',
      enabled: lines.one('UnitFileState') ?? '',
      sources: lines.all('source'),
      pending: lines.one('pending') !== undefined,
    };
  },
  diff: (desired, observed) => {
    const { daemon, unit } = observed;
    if (daemon === 'none') {
      return [
        {
          subject: 'time service',
          action: 'create',
          after: 'active',
          why: 'neither chrony nor systemd-timesyncd is installed now; a package step before this one must bring it',
        },
      ];
    }
    const changes: Change[] = [];
    const after = wantedSources(desired, daemon);
    const found = observed.sources.map((line) => line.slice(line.indexOf(':') + 1));
    if (desired.servers.length > 0 && found.join('\n') !== after.join('\n')) {
      changes.push({
        subject: `${daemon} servers`,
        action: 'update',
        before: observed.sources.join('; ') || 'none',
        after: after.join('; '),
      });
    } else if (observed.pending) {
      changes.push({
        subject: `${unit} (restart)`,
        action: 'run',
        why: 'an earlier run changed its configuration and did not come to restart it',
      });
    }
    if (observed.enabled === 'disabled' || observed.enabled === 'masked') {
      changes.push({
        subject: `${unit} (at boot)`,
        action: 'update',
        before: observed.enabled,
        after: 'enabled',
      });
    }
    if (observed.active !== 'active') {
      changes.push({
        subject: `${unit} (live)`,
        action: 'update',
        before: observed.active,
        after: 'active',
      });
    }
    return changes;
  },
  converge: (desired) => sh(converge, pendingMark, dropIn, ...desired.servers),
};

/** `timeSync({ servers: ['ntp.uio.no'] })` */
export function timeSync(
  fields: { readonly servers?: readonly string[] } & StepOptions = {},
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: timeSyncKind, name: '', desired: own, options };
}
