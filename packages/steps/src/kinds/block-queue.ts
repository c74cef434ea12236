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
import { textDiff } from '../text-diff.ts';
import { writeFile } from '../write-file.ts';

const schema = z
  .strictObject({
    serial: diskSerial.optional(),
    id: diskId.optional(),
    /** `none`, `mq-deadline`, `kyber`, `bfq`: Documentation/block/switching-sched.rst of the kernel. */
    scheduler: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/)
      .default('none'),
  })
  .refine(oneDevice, { message: 'name the disk by serial or by id, one of the two' });
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly device: string;
  /** The one in use; '' where the disk has no queue. */
  readonly scheduler: string;
  readonly file: string | undefined;
}

const nameOf = (desired: Desired): string => desired.serial ?? desired.id ?? '';
const path = (desired: Desired): string =>
  `/etc/udev/rules.d/61-skerry-scheduler-${nameOf(desired).replaceAll(':', '_')}.rules`;

// 60-persistent-storage.rules sets the properties and links; NVMe and SCSI have the short serial
// number, virtio has only ID_SERIAL.
function ruleText(desired: Desired): string {
  const rule = (match: string): string =>
    `ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ${match}, ATTR{queue/scheduler}="${desired.scheduler}"`;
  const rules =
    desired.serial === undefined
      ? [rule(`SYMLINK=="disk/by-id/${desired.id}"`)]
      : [
          rule(`ENV{ID_SERIAL_SHORT}=="${desired.serial}"`),
          rule(`ENV{ID_SERIAL_SHORT}=="", ENV{ID_SERIAL}=="${desired.serial}"`),
        ];
  return `# Managed by Skerry: blockQueue ${nameOf(desired)}\n${rules.join('\n')}\n`;
}

// A partition has no queue; its disk does.
const findQueue = `${findDevice}
find_queue() {
  find_device "$1" "$2" || return 1
  queue=
  [ -n "$device" ] || return 0
  at=$(readlink -f "/sys/class/block/\${device##*/}")
  [ -e "$at/partition" ] && at=\${at%/*}
  queue=$at/queue/scheduler
}`;

const probe = `${findQueue}
find_queue "$1" "$2" || exit 1
echo "device $device"
if [ -r "$queue" ]; then echo "scheduler $(cat "$queue")"; fi
if [ -e "$3" ]; then echo '--'; cat "$3"; fi
`;

const converge = `${findQueue}
${writeFile}
find_queue "$1" "$2" || exit 1
[ -n "$device" ] || fail "there is no disk with $1 $2"
write_file "$3" 0644 "$4"
if command -v udevadm >/dev/null && [ -e /run/udev/control ]; then udevadm control --reload || exit 1; fi
case $(cat "$queue") in
  "$5" | *"[$5]"*) ;;
  *) printf '%s\\n' "$5" >"$queue" || fail "$device does not take the scheduler $5; it offers $(cat "$queue")" ;;
esac
`;

/** The scheduler of a disk, now (sysfs) and at boot (a udev rule). */
export const blockQueueKind: StepKind<Desired, Observed> = {
  kind: 'blockQueue',
  schema,
  summary: (desired) => `scheduler ${desired.scheduler} for the ${deviceLabel(desired)}`,
  probe: (desired) => sh(probe, ...deviceArgs(desired), path(desired)),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const offered = lines.one('scheduler') ?? '';
    // `[none] mq-deadline`, or one word where there is no choice
    const scheduler = /\[([^\]]+)\]/.exec(offered)?.[1] ?? offered;
    return { device: required(lines, 'device'), scheduler, file: lines.text };
  },
  diff: (desired, { device, scheduler, file }) => {
    if (device === '' || scheduler === '') {
      return [
        {
          subject: deviceLabel(desired),
          action: 'refuse',
          why:
            device === '' ? 'the host has no such disk' : `${device} has no queue with a scheduler`,
          fix: 'correct serial or id in the inventory (lsblk -o NAME,SERIAL; ls /dev/disk/by-id)',
        },
      ];
    }
    const changes: Change[] = [];
    if (scheduler !== desired.scheduler) {
      changes.push({
        subject: `${device} scheduler (live)`,
        action: 'update',
        before: scheduler,
        after: desired.scheduler,
      });
    }
    const diff = textDiff(file, ruleText(desired));
    if (diff !== '') {
      changes.push({
        subject: path(desired),
        action: file === undefined ? 'create' : 'update',
        diff,
      });
    }
    return changes;
  },
  converge: (desired) =>
    sh(converge, ...deviceArgs(desired), path(desired), ruleText(desired), desired.scheduler),
};

/** `blockQueue({ serial: 'S4X…', scheduler: 'none' })` */
export function blockQueue(
  fields: {
    readonly serial?: string | undefined;
    readonly id?: string | undefined;
    readonly scheduler?: string;
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: blockQueueKind, name: own.serial ?? own.id ?? '', desired: own, options };
}
