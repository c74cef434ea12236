import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import type { Change } from '../change.ts';
import { diskId, diskSerial, findDevice } from '../find-device.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { writeFile } from '../write-file.ts';

const word = /^[A-Za-z0-9._:+-]+$/;

const schema = z
  .strictObject({
    /** Set by the factory. */
    path: absolutePath.regex(/^\/[^\s\\]+$/, 'a path without spaces or backslashes, and not /'),
    /** The filesystem on the disk with this serial number; /etc/fstab gets its UUID. */
    serial: diskSerial.optional(),
    /** A name below /dev/disk/by-id. */
    id: diskId.optional(),
    uuid: z.string().regex(word).optional(),
    label: z.string().regex(word).optional(),
    type: z.enum(['ext4', 'xfs']).default('ext4'),
    options: z.array(z.string().regex(/^[^\s,#"\\]+$/)).default(['defaults', 'noatime']),
    /**
     * The host boots, and can be reached, when the disk is missing: systemd would otherwise wait for
     * it and then offer a root shell on a console that nobody has. The price: services find an empty
     * folder. false: the boot stops instead.
     */
    nofail: z.boolean().default(true),
  })
  .refine(
    (value) =>
      [value.serial, value.id, value.uuid, value.label].filter((name) => name !== undefined)
        .length === 1,
    { message: 'name the filesystem by serial, id, uuid or label, one of the four' },
  );
type Desired = z.infer<typeof schema>;

interface Observed {
  /** `UUID=…`, …: what /etc/fstab should say; '' where the disk has no filesystem yet. */
  readonly spec: string;
  /** The device that this is now; '' where there is none. */
  readonly device: string;
  /** The entries for the path, fields separated by one space. */
  readonly fstab: readonly string[];
  /** What is mounted there now. */
  readonly mounted: { readonly device: string; readonly options: readonly string[] } | undefined;
  /** Nothing is mounted there, and the folder holds files that the mount would hide. */
  readonly hides: boolean;
}

/** The options that the kernel shows as they were given (mount(8), filesystem-independent). */
const liveOptions = new Set(
  (
    'ro rw noatime relatime nodiratime strictatime nosuid nodev noexec sync dirsync lazytime ' +
    'discard'
  ).split(' '),
);

const source = (desired: Desired): [how: string, name: string] => {
  if (desired.serial !== undefined) return ['serial', desired.serial];
  if (desired.id !== undefined) return ['id', desired.id];
  return desired.uuid === undefined ? ['LABEL', desired.label ?? ''] : ['UUID', desired.uuid];
};

const fstabOptions = (desired: Desired): string =>
  [
    ...desired.options,
    ...(desired.nofail && !desired.options.includes('nofail') ? ['nofail'] : []),
  ].join(',');

/** Type, options, dump and the order of fsck, which xfs has no use for. */
const fields = (desired: Desired): string =>
  `${desired.type} ${fstabOptions(desired)} 0 ${desired.type === 'xfs' ? 0 : 2}`;

const resolve = `${findDevice}
resolve() {
  case $1 in
    serial)
      find_device serial "$2" || exit 1
      spec=
      uuid=$([ -n "$device" ] && blkid -p -s UUID -o value "$device" 2>/dev/null)
      [ -n "$uuid" ] && spec=UUID=$uuid ;;
    id)
      find_device id "$2" || exit 1
      spec=/dev/disk/by-id/$2 ;;
    *)
      spec=$1=$2
      device=$(blkid -c /dev/null -t "$spec" -o device 2>/dev/null | head -n 1) ;;
  esac
}
# The last line of mountinfo for a path is the one that is seen: device, options of mount and of superblock.
mounted_at() {
  awk -v path="$1" '$5 == path { for (i = 6; $i != "-"; i++); device = $(i + 2); found = device " " $6 "," $(i + 3) } END { print found }' /proc/self/mountinfo
}`;

const probe = `${resolve}
command -v blkid >/dev/null || { echo 'blkid is missing: install util-linux' >&2; exit 1; }
resolve "$1" "$2"
printf 'spec %s\\ndevice %s\\n' "$spec" "$device"
if [ -r /etc/fstab ]; then awk -v path="$3" '$1 !~ /^#/ && $2 == path { $1 = $1; print "fstab " $0 }' /etc/fstab; fi
mounted=$(mounted_at "$3")
if [ -n "$mounted" ]; then
  printf 'mounted %s %s\\n' "$(readlink -f "\${mounted%% *}")" "\${mounted#* }"
elif [ -d "$3" ] && [ -n "$(ls -A "$3" | head -n 1)" ]; then
  echo hides
fi
`;

const converge = `${resolve}
${writeFile}
path=$3 fields=$4
resolve "$1" "$2"
[ -n "$device" ] && [ -n "$spec" ] || fail "there is no filesystem with $1 $2"
edited=$(awk -v path="$path" -v line="$spec $path $fields" '
  $1 !~ /^#/ && $2 == path { if (!done) print line; done = 1; next }
  { print }
  END { if (!done) print line }' /etc/fstab 2>/dev/null || echo "$spec $path $fields")
write_file /etc/fstab 0644 "$edited
"
if [ -d /run/systemd/system ]; then systemctl daemon-reload || exit 1; fi
mounted=$(mounted_at "$path")
if [ -z "$mounted" ]; then
  [ -d "$path" ] || mkdir -p "$path" || exit 1
  [ -z "$(ls -A "$path")" ] || fail "$path holds files that the mount would hide: move them away"
  mount "$path" || exit 1
elif [ "$(readlink -f "\${mounted%% *}")" = "$device" ]; then
  mount -o "remount,$5" "$path" || exit 1
else
  fail "on $path is mounted \${mounted%% *}, not $device"
fi
`;

function fstabChanges(desired: Desired, observed: Observed): Change[] {
  const [how, name] = source(desired);
  const spec = observed.spec === '' ? `UUID=(of the filesystem on ${how} ${name})` : observed.spec;
  const after = `${spec} ${desired.path} ${fields(desired)}`;
  if (observed.fstab.length === 1 && observed.fstab[0] === after) return [];
  const subject = `/etc/fstab: ${desired.path}`;
  return [
    observed.fstab.length === 0
      ? { subject, action: 'create', after }
      : { subject, action: 'update', before: observed.fstab.join('; '), after },
  ];
}

function liveChanges(desired: Desired, observed: Observed): Change[] {
  const subject = `${desired.path} (live)`;
  const after =
    observed.device === '' ? `mounted by ${source(desired).join(' ')}` : observed.device;
  if (observed.mounted === undefined) {
    if (!observed.hides) return [{ subject, action: 'create', after }];
    return [
      {
        subject,
        action: 'refuse',
        why: `the folder ${desired.path} holds files that the mount would hide`,
        fix: 'move them away (and into the filesystem, if they are to stay), or remove them',
      },
    ];
  }
  const { device, options } = observed.mounted;
  if (device !== observed.device) {
    return [
      {
        subject,
        action: 'refuse',
        before: device,
        after,
        why: `${device} is mounted there`,
        fix: `unmount it (umount ${desired.path}), or correct the inventory`,
      },
    ];
  }
  const missing = desired.options.filter(
    (option) => liveOptions.has(option) && !options.includes(option),
  );
  if (missing.length === 0) return [];
  return [{ subject, action: 'update', before: options.join(','), after: missing.join(',') }];
}

/** A filesystem mounted now and at boot (/etc/fstab, by UUID, label or id). */
export const mountKind: StepKind<Desired, Observed> = {
  kind: 'mount',
  schema,
  summary: (desired) => `${source(desired).join(' ')} on ${desired.path}`,
  probe: (desired) => sh(probe, ...source(desired), desired.path),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const [device, options] = lines.one('mounted')?.split(' ') ?? [];
    return {
      spec: required(lines, 'spec'),
      device: required(lines, 'device'),
      fstab: lines.all('fstab'),
      mounted:
        device === undefined ? undefined : { device, options: [...new Set(options?.split(','))] },
      hides: lines.one('hides') !== undefined,
    };
  },
  diff: (desired, observed) => [
    ...fstabChanges(desired, observed),
    ...liveChanges(desired, observed),
  ],
  converge: (desired) =>
    sh(
      converge,
      ...source(desired),
      desired.path,
      fields(desired),
      desired.options.filter((option) => liveOptions.has(option)).join(',') || 'rw',
    ),
};

/** `mount('/var/lib/etcd', { label: 'etcd', options: ['defaults', 'noatime'] })` */
export function mount(
  path: string,
  fields: {
    readonly serial?: string | undefined;
    readonly id?: string | undefined;
    readonly uuid?: string | undefined;
    readonly label?: string | undefined;
    readonly type?: 'ext4' | 'xfs';
    readonly options?: readonly string[];
    readonly nofail?: boolean;
  } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: mountKind, name: path, desired: { path, ...own }, options };
}
