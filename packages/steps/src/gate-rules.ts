import { z } from 'zod';
import type { Change } from './change.ts';
import { compareReleases } from './kernel-release.ts';

/** By what a host is told from another. */
export const identity = z.strictObject({
  host: z.string(),
  machineId: z.string().optional(),
  productUuid: z
    .string()
    .transform((uuid) => uuid.toLowerCase())
    .optional(),
  macs: z.array(z.string().transform((mac) => mac.toLowerCase())).optional(),
});

/** What a host says of itself. */
export interface HostState {
  readonly kernel: string;
  readonly cgroup: 1 | 2;
  /** MiB. */
  readonly memory: number;
  readonly machineId: string;
  readonly productUuid: string;
  readonly macs: readonly string[];
  /** `4.17`; undefined where the host is no guest of Xen. */
  readonly xen: string | undefined;
  /** `yes`, `no`, or '' where nobody can say; undefined where it was not asked. */
  readonly synchronized: string | undefined;
  /** As the daemon prints it: `0.000012s`, `1.5ms`, `1min 3s`. */
  readonly offset: string | undefined;
}

/** The rules, as a user writes them. */
export interface Rules {
  readonly kernel?: { readonly minimum: string; readonly why?: string | undefined } | undefined;
  readonly cgroup?: 2 | undefined;
  readonly memory?: number | undefined;
  readonly unique?: readonly z.infer<typeof identity>[] | undefined;
  readonly clock?: { readonly maximumOffset: number } | undefined;
  readonly xen?: { readonly minimum: string } | undefined;
}

const seconds: Readonly<Record<string, number>> = {
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  min: 60,
  h: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
  w: 604_800,
  y: 31_557_600,
};

/** Seconds of a span as systemd prints it; a unit that is not known counts as more than any limit. */
export function spanSeconds(span: string): number {
  let sum = 0;
  for (const [, amount, unit] of span.matchAll(/([\d.]+)\s*([a-zµ]+)/g)) {
    sum += Number(amount) * (seconds[unit ?? ''] ?? Infinity);
  }
  return sum;
}

/** The rules that do not hold. */
export function gateRules(rules: Rules, host: HostState): Change[] {
  return [...machineRules(rules, host), ...uniqueRules(rules, host), ...clockRules(rules, host)];
}

function machineRules({ kernel, cgroup, memory, xen }: Rules, host: HostState): Change[] {
  const changes: Change[] = [];
  if (kernel !== undefined && compareReleases(host.kernel, kernel.minimum) < 0) {
    changes.push({
      subject: 'kernel',
      action: 'refuse',
      before: host.kernel,
      after: `at least ${kernel.minimum}`,
      why: kernel.why ?? 'what the inventory asks for needs a newer kernel',
      fix: 'install a newer kernel of the distribution (or upgrade the distribution), and reboot',
    });
  }
  if (cgroup === 2 && host.cgroup !== 2) {
    changes.push({
      subject: 'cgroup',
      action: 'refuse',
      before: 'version 1',
      after: 'version 2',
      why: 'kubelet 1.35 and later refuses cgroup v1',
      fix: 'boot with systemd.unified_cgroup_hierarchy=1 (kernelCommandLine), or upgrade the distribution',
    });
  }
  if (memory !== undefined && host.memory < memory) {
    changes.push({
      subject: 'memory',
      action: 'refuse',
      before: `${host.memory} MiB`,
      after: `at least ${memory} MiB`,
      why: 'the host has less memory than its role needs',
      fix: 'give the machine more memory, or lower the limit',
    });
  }
  if (xen !== undefined && host.xen !== undefined && compareReleases(host.xen, xen.minimum) < 0) {
    changes.push({
      subject: 'virtualisation',
      action: 'refuse',
      before: `Xen ${host.xen}`,
      after: `Xen ${xen.minimum} or later, KVM, or bare metal`,
      why: 'guests of old Xen lack BPF maps, which Cilium needs',
      fix: 'move the machine to KVM with VirtIO, or use a network without eBPF',
    });
  }
  return changes;
}

function uniqueRules({ unique = [] }: Rules, host: HostState): Change[] {
  return unique.flatMap((other): Change[] => {
    const shared = [
      ...(host.machineId !== '' && other.machineId === host.machineId
        ? [
            [
              'machine-id',
              host.machineId,
              'rm /etc/machine-id && systemd-machine-id-setup, then reboot',
            ],
          ]
        : []),
      ...(host.productUuid !== '' && other.productUuid === host.productUuid
        ? [['product_uuid', host.productUuid, 'give the virtual machine a UUID of its own']]
        : []),
      ...host.macs
        .filter((mac) => other.macs?.includes(mac))
        .map((mac) => ['MAC address', mac, 'give one of the machines another MAC address']),
    ];
    return shared.map(([what = '', value = '', fix = '']) => ({
      subject: what,
      action: 'refuse',
      before: value,
      why: `${other.host} has the same: nodes are told apart by it, and one would push the other out`,
      fix,
    }));
  });
}

function clockRules({ clock }: Rules, host: HostState): Change[] {
  if (clock === undefined) return [];
  const refuse = (before: string): Change => ({
    subject: 'clock',
    action: 'refuse',
    before,
    after: `synchronized, at most ${clock.maximumOffset} s off`,
    why: 'certificates, leases and etcd need clocks that agree',
    fix: 'let timeSync name servers that the host can reach; chronyc sources or timedatectl timesync-status show them',
  });
  if (host.synchronized !== 'yes') {
    return [
      refuse(host.synchronized === 'no' ? 'not synchronized' : 'nobody can say (no timedatectl)'),
    ];
  }
  if (host.offset !== undefined && spanSeconds(host.offset) > clock.maximumOffset) {
    return [refuse(`${host.offset} off`)];
  }
  return [];
}
