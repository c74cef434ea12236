import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { textDiff } from '../text-diff.ts';
import { writeFile } from '../write-file.ts';

const schema = z.strictObject({
  /** false: no swap, now and at boot. true: swap is allowed, and nothing is changed. */
  enabled: z.boolean(),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** Devices and files of /proc/swaps. */
  readonly live: readonly string[];
  /** Units that turn swap on, and are not masked; those that fstab generates are left out. */
  readonly units: readonly string[];
  /** The text of /etc/fstab; undefined where it has no swap entry. */
  readonly fstab: string | undefined;
}

const mark = '# swap is off (Skerry): ';

// Units of zram-generator and of the partition-type generator lie in /run/systemd/generator*; the
// last three are services of zram-tools (Debian), zram-config (Ubuntu) and dphys-swapfile.
const findUnits = `
swap_units() {
  for at in /etc/systemd/system /run/systemd/generator /run/systemd/generator.late /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    for file in "$at"/*.swap "$at"/zramswap.service "$at"/zram-config.service "$at"/dphys-swapfile.service; do
      [ -f "$file" ] || continue
      grep -qs '^SourcePath=/etc/fstab' "$file" && continue
      unit=\${file##*/}
      [ "$(readlink "/etc/systemd/system/$unit")" = /dev/null ] && continue
      printf '%s\\n' "$unit"
    done
  done | sort -u
}`;

const probe = `${findUnits}
[ "$1" = allowed ] && exit 0
[ -r /proc/swaps ] || { echo 'this kernel has no /proc/swaps' >&2; exit 1; }
sed -n '2,$s/^\\([^[:space:]]*\\).*/live \\1/p' /proc/swaps
swap_units | sed 's/^/unit /'
if [ -r /etc/fstab ] && awk '$1 !~ /^#/ && $3 == "swap" { found = 1 } END { exit !found }' /etc/fstab; then
  echo '--'
  cat /etc/fstab
fi
`;

const converge = `${findUnits}
${writeFile}
[ "$2" = allowed ] && exit 0
if [ -r /etc/fstab ] && awk '$1 !~ /^#/ && $3 == "swap" { found = 1 } END { exit !found }' /etc/fstab; then
  edited=$(awk -v mark="$1" '$1 !~ /^#/ && $3 == "swap" { $0 = mark $0 } { print }' /etc/fstab) || exit 1
  write_file /etc/fstab 0644 "$edited
"
fi
for unit in $(swap_units); do
  if [ -f "/etc/systemd/system/$unit" ]; then
    mv -f "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.off" || exit 1
  fi
  mkdir -p /etc/systemd/system && ln -sf /dev/null "/etc/systemd/system/$unit" || exit 1
done
if [ -d /run/systemd/system ]; then systemctl daemon-reload || exit 1; fi
sed 1d /proc/swaps | while read -r device rest; do
  swapoff "$(printf '%b' "$device")" || exit 1
done
`;

function fstabAfter(fstab: string): string {
  return fstab
    .split('\n')
    .map((line) => {
      const [first, , type] = line.trim().split(/\s+/);
      return type === 'swap' && first?.startsWith('#') === false ? `${mark}${line}` : line;
    })
    .join('\n');
}

/** Swap off, now and at boot: /etc/fstab, units of systemd, zram. Or allowed, which changes nothing. */
export const swapKind: StepKind<Desired, Observed> = {
  kind: 'swap',
  schema,
  summary: ({ enabled }) => (enabled ? 'swap is allowed' : 'swap is off'),
  probe: ({ enabled }) => sh(probe, enabled ? 'allowed' : 'off'),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    return { live: lines.all('live'), units: lines.all('unit'), fstab: lines.text };
  },
  diff: ({ enabled }, { live, units, fstab }) => {
    if (enabled) return [];
    const changes: Change[] = live.map((device) => ({
      subject: `${device} (live)`,
      action: 'delete',
      before: 'swap is on',
    }));
    if (fstab !== undefined) {
      changes.push({
        subject: '/etc/fstab',
        action: 'update',
        diff: textDiff(fstab, fstabAfter(fstab)),
      });
    }
    for (const unit of units) {
      changes.push({ subject: unit, action: 'update', before: 'not masked', after: 'masked' });
    }
    return changes;
  },
  converge: ({ enabled }) => sh(converge, mark, enabled ? 'allowed' : 'off'),
};

/** `swap({ enabled: false })` */
export function swap(fields: { readonly enabled: boolean } & StepOptions): Step {
  const { options, own } = splitOptions(fields);
  return { kind: swapKind, name: '', desired: own, options };
}
