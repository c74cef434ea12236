import { z } from 'zod';
import type { Change } from '../change.ts';
import {
  deviceArgs,
  deviceLabel,
  diskId,
  diskSerial,
  findDevice,
  oneDevice,
} from '../find-device.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';

const schema = z
  .strictObject({
    /** The disk, by its serial number; or … */
    serial: diskSerial.optional(),
    /** … a disk or partition, by its name below /dev/disk/by-id. */
    id: diskId.optional(),
    type: z.enum(['ext4', 'xfs']).default('ext4'),
    /** At most 16 characters (ext4) or 12 (xfs). */
    label: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,16}$/)
      .optional(),
    /** Serial numbers of disks that may be formatted although they hold something. */
    wipe: z.array(diskSerial).default([]),
  })
  .refine(oneDevice, { message: 'name the device by serial or by id, one of the two' })
  .refine((value) => value.type !== 'xfs' || (value.label ?? '').length <= 12, {
    path: ['label'],
    message: 'a label of xfs has at most 12 characters',
  });
type Desired = z.infer<typeof schema>;

interface Observed {
  /** `/dev/nvme0n1`; '' where there is no such device. */
  readonly device: string;
  readonly serial: string;
  /** Where `device` is '': `NAME SERIAL` of the disks that are there. */
  readonly disks: readonly string[];
  /** `ext4`, … as blkid -p says; '' where it finds no filesystem. */
  readonly type: string;
  readonly label: string;
  /** What it holds, in words; empty for a device that is empty. */
  readonly holds: readonly string[];
  /** Why it is in use now: it must not be formatted, not even when it is named under wipe. */
  readonly inUse: readonly string[];
  /** It bears no signature, and an earlier run began to format it and did not finish. */
  readonly interrupted: boolean;
}

// Only what nothing at all is found on counts as empty: no signature that blkid or wipefs knows, no
// partition, and zeros in the first MiB. The mark is there while mkfs runs, which writes the
// superblock last: with the mark, bytes without any signature are a crash of ours and no data.
const inspect = `${findDevice}
inspect() {
  name=\${device##*/}
  type='' label='' serial='' holds='' inuse='' interrupted=''
  serial=$(serial_of "$device")
  if found=$(blkid -p -o export "$device" 2>/dev/null); then
    type=$(printf '%s\\n' "$found" | sed -n 's/^TYPE=//p')
    label=$(printf '%s\\n' "$found" | sed -n 's/^LABEL=//p')
  elif [ $? -ne 2 ]; then
    holds='holds signatures that contradict each other (blkid -p)
'
  elif [ -e "$mark" ]; then
    interrupted=yes
  fi
  [ "$type" = "$wanttype" ] && { [ -z "$wantlabel" ] || [ "$label" = "$wantlabel" ]; } && return
  holds=$holds$(wipefs -n "$device" 2>/dev/null | awk 'NR > 1 { print "holds a signature of " $3 }')
  for part in "/sys/class/block/$name/$name"*; do
    [ -e "$part/partition" ] || continue
    holds="$holds
holds partition \${part##*/}"
  done
  if [ "$(head -c 1048576 "$device" | tr -d '\\000' | head -c 1 | wc -c)" -ne 0 ]; then
    holds="$holds
holds bytes other than zero in its first MiB"
  fi
  for at in "$name" $(cd "/sys/class/block/$name" && for part in "$name"*; do [ -e "$part/partition" ] && echo "$part"; done); do
    number=$(cat "/sys/class/block/$at/dev")
    inuse="$inuse$(awk -v number="$number" '$3 == number { print "inuse /dev/" at " is mounted on " $5 }' at="$at" /proc/self/mountinfo)
$(awk -v dev="/dev/$at" '$1 == dev { print "inuse " dev " is swap" }' /proc/swaps)
$(for holder in "/sys/class/block/$at/holders/"*; do [ -e "$holder" ] && echo "inuse /dev/$at is used by /dev/\${holder##*/}"; done)
"
  done
  if [ "$(cat "/sys/class/block/$name/ro")" = 1 ]; then inuse="\${inuse}inuse $device is read-only
"; fi
}`;

const probe = `${inspect}
for tool in blkid wipefs lsblk; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install util-linux" >&2; exit 1; }
done
wanttype=$3 wantlabel=$4 mark=$5
find_device "$1" "$2" || exit 1
echo "device $device"
if [ -z "$device" ]; then
  for block in /sys/block/*; do
    case \${block##*/} in loop* | ram* | zram* | dm-* | '*') continue ;; esac
    echo "disk \${block##*/} $(serial_of "/dev/\${block##*/}")"
  done
  exit 0
fi
inspect
printf 'serial %s\\ntype %s\\nlabel %s\\n' "$serial" "$type" "$label"
printf '%s\\n%s\\n' "$holds" "$inuse" | grep -v '^$'
if [ -n "$interrupted" ]; then echo interrupted; fi
`;

// The guards stand here once more: what the plan saw may be hours old.
const converge = `${inspect}
wanttype=$3 wantlabel=$4 mark=$5; key="$1 $2"
find_device "$1" "$2" || exit 1
[ -n "$device" ] || { echo "there is no device with $1 $2" >&2; exit 1; }
shift 5
inspect
if [ "$type" = "$wanttype" ] && { [ -z "$wantlabel" ] || [ "$label" = "$wantlabel" ]; }; then exit 0; fi
refuse() { printf '%s\\n' "$device is not formatted:" "$@" >&2; exit 1; }
inuse=$(printf '%s\\n' "$inuse" | sed -n 's/^inuse //p')
[ -z "$inuse" ] || refuse "$inuse"
if [ -n "$holds" ] && [ -z "$interrupted" ]; then
  allowed=
  for one; do [ -n "$serial" ] && [ "$one" = "$serial" ] && allowed=yes; done
  [ -n "$allowed" ] || refuse "$(printf '%s\\n' "$holds" | grep .)"
fi
command -v "mkfs.$wanttype" >/dev/null || refuse "mkfs.$wanttype is missing: install $(case $wanttype in xfs) echo xfsprogs ;; *) echo e2fsprogs ;; esac)"
mkdir -p "\${mark%/*}" && printf '%s\\n' "$key" >"$mark" && sync "$mark" || exit 1
name=\${device##*/}
for part in "/sys/class/block/$name/$name"*; do
  [ -e "$part/partition" ] || continue
  wipefs -q -a "/dev/\${part##*/}" || exit 1
done
wipefs -q -a "$device" || exit 1
case $wanttype in
  ext4) mkfs.ext4 -q -F \${wantlabel:+-L "$wantlabel"} "$device" || exit 1 ;;
  xfs) mkfs.xfs -q -f \${wantlabel:+-L "$wantlabel"} "$device" || exit 1 ;;
esac
sync "$device"
rm -f "$mark"
if command -v udevadm >/dev/null && [ -e /run/udev/control ]; then udevadm trigger --settle "$device" || :; fi
`;

const mark = (desired: Desired): string =>
  `/var/lib/skerry/format-${desired.serial ?? `id-${desired.id}`}`;

const args = (desired: Desired): string[] => [
  ...deviceArgs(desired),
  desired.type,
  desired.label ?? '',
  mark(desired),
];

const describe = (type: string, label: string | undefined): string =>
  label === undefined || label === '' ? type : `${type} with the label ${label}`;

/**
 * A filesystem on a disk or partition. A device that holds anything is never formatted, unless its
 * serial number stands under `wipe`; one in use is never formatted at all.
 */
export const filesystemKind: StepKind<Desired, Observed> = {
  kind: 'filesystem',
  schema,
  summary: (desired) => `${describe(desired.type, desired.label)} on the ${deviceLabel(desired)}`,
  probe: (desired) => sh(probe, ...args(desired)),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    return {
      device: required(lines, 'device'),
      serial: lines.one('serial') ?? '',
      disks: lines.all('disk'),
      type: lines.one('type') ?? '',
      label: lines.one('label') ?? '',
      holds: lines.all('holds'),
      inUse: lines.all('inuse'),
      interrupted: lines.one('interrupted') !== undefined,
    };
  },
  diff: (desired, observed) => {
    const { device, serial, type, label } = observed;
    if (device === '') {
      return [
        {
          subject: deviceLabel(desired),
          action: 'refuse',
          why: `the host has no such device; it has ${observed.disks.join(', ') || 'no disks'}`,
          fix: 'correct serial or id in the inventory (lsblk -o NAME,SERIAL; ls /dev/disk/by-id)',
        },
      ];
    }
    const isSame =
      type === desired.type && (desired.label === undefined || desired.label === label);
    if (isSame) return [];
    const subject = serial === '' ? device : `${device} (serial ${serial})`;
    const after = describe(desired.type, desired.label);
    const held = observed.holds.join(', ');
    if (observed.inUse.length > 0) {
      return [
        {
          subject,
          action: 'refuse',
          why: `it should become ${after}, but ${observed.inUse.join('; ')}`,
          fix: 'unmount it and end what uses it first: Skerry formats nothing that is in use',
        },
      ];
    }
    if (observed.interrupted) {
      return [
        {
          subject,
          action: 'create',
          after,
          why: 'an earlier run began to format it and did not finish',
        },
      ];
    }
    if (observed.holds.length === 0) return [{ subject, action: 'create', after }];
    if (serial !== '' && desired.wipe.includes(serial)) {
      const before = type === '' ? held : describe(type, label);
      const why = `it is WIPED, because the inventory names its serial number under wipe: it holds ${held}`;
      return [{ subject, action: 'update', before, after, why } satisfies Change];
    }
    return [
      {
        subject,
        action: 'refuse',
        ...(type !== '' && { before: describe(type, label) }),
        after,
        why: `it is not empty: it holds ${held}`,
        fix:
          serial === ''
            ? 'it has no serial number; empty it by hand (wipefs -a) if its data may be lost'
            : `if its data may be lost, write in the inventory: wipe: ["${serial}"]`,
      },
    ];
  },
  converge: (desired) => sh(converge, ...args(desired), ...desired.wipe),
};

/** `filesystem({ serial: 'S4X…', type: 'ext4', label: 'etcd', wipe: host.node.wipe })` */
export function filesystem(
  fields: {
    readonly serial?: string | undefined;
    readonly id?: string | undefined;
    readonly type?: 'ext4' | 'xfs';
    readonly label?: string | undefined;
    readonly wipe?: readonly string[];
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: filesystemKind, name: own.serial ?? own.id ?? '', desired: own, options };
}
