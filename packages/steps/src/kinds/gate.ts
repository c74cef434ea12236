import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import { describeFsync, fsyncCache, measureFsync, parseFsync } from '../fsync-latency.ts';
import { gateRules, identity, type HostState } from '../gate-rules.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { writeFile } from '../write-file.ts';

const version = z.string().regex(/^\d+(\.\d+)*$/, 'a version such as 5.10');

const schema = z.strictObject({
  /** Set by the factory. */
  name: z.string().min(1),
  /** The oldest kernel that will do, and what needs it. */
  kernel: z.strictObject({ minimum: version, why: z.string().optional() }).optional(),
  /** The unified hierarchy is mounted. */
  cgroup: z.literal(2).optional(),
  /** MiB of MemTotal: what the kernel keeps for itself is not in it, some 100 MiB below the size. */
  memory: z.int().positive().optional(),
  /** Identities of the other hosts, none of which this host may share. */
  unique: z.array(identity).optional(),
  /** The clock is synchronized, and by no more than these seconds off where the daemon tells. */
  clock: z.strictObject({ maximumOffset: z.number().positive().default(0.5) }).optional(),
  /** The oldest Xen that will do: old ones lack BPF maps. */
  xen: z.strictObject({ minimum: version }).optional(),
  /** Latency of fdatasync below a path: measured when the step is applied, then kept on the host. */
  fsync: z
    .strictObject({
      path: absolutePath,
      /** Milliseconds; etcd wants less than 10 (https://etcd.io/docs/latest/faq/). */
      p99: z.number().positive().default(10),
      /** MiB that are written, 2300 bytes at a time; 22 is what etcd's documentation says, 3 give a p99. */
      size: z.int().min(3).default(22),
      /** Days after which a measurement is made again. */
      maxAge: z.int().positive().default(30),
    })
    .optional(),
});
export type GateDesired = z.infer<typeof schema>;

type Fsync =
  | { readonly state: 'missing' | 'unmeasured' }
  | { readonly state: 'measured'; readonly p99: number; readonly said: string };

interface Observed extends HostState {
  readonly fsync?: Fsync;
}

const probe = `${fsyncCache}
echo "kernel $(uname -r)"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo 'cgroup 2'; else echo 'cgroup 1'; fi
sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/memory \\1/p' /proc/meminfo
echo "machine $(cat /etc/machine-id 2>/dev/null)"
echo "product $(cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
for interface in /sys/class/net/*; do
  if [ -e "$interface/device" ] && [ -r "$interface/address" ]; then echo "mac $(cat "$interface/address")"; fi
done
if [ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]; then
  echo "xen $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)"
fi
if [ "$1" = clock ]; then
  echo "synchronized $(timedatectl show --property=NTPSynchronized --value 2>/dev/null)"
  if command -v chronyc >/dev/null; then
    chronyc -n tracking 2>/dev/null | sed -n 's/^System time *: \\([0-9.]*\\) seconds.*/offset \\1s/p'
  else
    timedatectl timesync-status 2>/dev/null | sed -n 's/^ *Offset: *[+-]*\\(.*\\)$/offset \\1/p'
  fi
fi
[ -n "$2" ] || exit 0
if [ ! -d "$2" ]; then
  echo 'fsync missing'
  exit 0
fi
fsync_cache "$2"
if [ -n "$(find "$cache" -mmin "-$(($3 * 1440))" 2>/dev/null)" ]; then
  echo '--'
  cat "$cache"
else
  echo 'fsync unmeasured'
fi
`;

const converge = `${writeFile}
${fsyncCache}
${measureFsync}
path=$1 limit=$2 size=$3
[ -n "$path" ] || exit 0
[ -d "$path" ] || fail "$path does not exist: a mount or directory step before this one must make it"
fsync_cache "$path"
measure_fsync "$path" "$size"
p99=$(printf %s "$result" | sed -n 's/.*"99.000000":\\([0-9]*\\).*/\\1/p')
[ -n "$p99" ] || fail 'fio gave no 99th percentile'
[ "$p99" -le "$limit" ] || fail "fsync below $path is too slow, p99 $p99 ns, the limit is $limit ns: $result"
`;

function fsyncChanges(
  desired: NonNullable<GateDesired['fsync']>,
  found: Fsync | undefined,
): Change[] {
  const subject = `fsync below ${desired.path}`;
  if (found === undefined) throw new Error('the probe said nothing of fsync');
  if (found.state !== 'measured') {
    return [
      {
        subject,
        action: 'run',
        after: `measured by fio, which writes ${desired.size} MiB and removes them; p99 must be at most ${desired.p99} ms`,
        ...(found.state === 'missing' && {
          why: 'the path does not exist now; an earlier step must make it',
        }),
      },
    ];
  }
  if (found.p99 <= desired.p99) return [];
  return [
    {
      subject,
      action: 'refuse',
      before: `p99 ${found.p99} ms`,
      after: `at most ${desired.p99} ms`,
      why: `etcd loses leaders on a slow disk; measured: ${found.said}`,
      fix: 'give etcd an NVMe disk or partition of its own; to measure again remove /var/lib/skerry/fsync-*.json',
    },
  ];
}

/** Rules that must hold on a host. One that does not is a refusal with its reason and what to do. */
export const gateKind: StepKind<GateDesired, Observed> = {
  kind: 'gate',
  schema,
  summary: (desired) => {
    const rules = Object.entries(desired).filter(
      ([key, value]) => key !== 'name' && value !== undefined,
    );
    return `rules that must hold: ${rules.map(([key]) => key).join(', ') || 'none'}`;
  },
  settles: ({ clock }) =>
    clock === undefined ? undefined : { awaited: 'a synchronized clock', seconds: 120 },
  probe: ({ clock, fsync }) =>
    sh(probe, clock === undefined ? '' : 'clock', fsync?.path ?? '', String(fsync?.maxAge ?? 0)),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const said = lines.one('fsync');
    const state: HostState = {
      kernel: required(lines, 'kernel'),
      cgroup: required(lines, 'cgroup') === '2' ? 2 : 1,
      memory: Math.floor(Number(required(lines, 'memory')) / 1024),
      machineId: required(lines, 'machine'),
      productUuid: required(lines, 'product').toLowerCase(),
      macs: lines.all('mac'),
      xen: lines.one('xen'),
      synchronized: lines.one('synchronized'),
      offset: lines.one('offset'),
    };
    if (lines.text !== undefined) {
      const latency = parseFsync(lines.text);
      return {
        ...state,
        fsync: { state: 'measured', p99: latency.p99, said: describeFsync(latency) },
      };
    }
    if (said === 'missing' || said === 'unmeasured') return { ...state, fsync: { state: said } };
    return state;
  },
  diff: (desired, observed) => [
    ...gateRules(desired, observed),
    ...(desired.fsync === undefined ? [] : fsyncChanges(desired.fsync, observed.fsync)),
  ],
  converge: ({ fsync }) =>
    sh(
      converge,
      fsync?.path ?? '',
      String(Math.round((fsync?.p99 ?? 0) * 1e6)),
      String(fsync?.size ?? 0),
    ),
};

/** `gate('kernel', { kernel: { minimum: '5.10', why: 'eBPF replaces kube-proxy' }, cgroup: 2 })` */
export function gate(
  name: string,
  fields: Omit<z.input<typeof schema>, 'name'> & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: gateKind, name, desired: { name, ...own }, options };
}
