import { sh, type Check, type Finding, type Fragment } from '@skerry/steps';
import { z } from 'zod';
import type { ClusterView } from './cluster-view.ts';
import { counted, findProbe, verdictOf } from './probe-tasks.ts';

/** sh: `process_of NAME` sets `pid`; the name is that of the program. */
export const processOf = `
process_of() {
  for found in $(grep -slxF -e "$1" /proc/[0-9]*/comm); do
    pid=\${found#/proc/}
    pid=\${pid%/comm}
    return 0
  done
  echo "no process $1 runs on this node" >&2
  return 1
}
`;

const health: Fragment = sh(`${processOf}process_of etcd || exit
keys=/etc/kubernetes/pki/etcd
inside=
[ -e "/proc/$pid/root/usr/local/bin/etcdctl" ] && inside="nsenter -t $pid -m --"
[ -n "$inside" ] || command -v etcdctl >/dev/null || {
  echo 'etcdctl is neither in the container of etcd nor on this node' >&2; exit 1; }
# Exits with 1 where a member is ill; what it prints says which.
ETCDCTL_API=3 $inside etcdctl --endpoints=https://127.0.0.1:2379 --command-timeout=15s --cacert="$keys/ca.crt" \\
  --cert="$keys/healthcheck-client.crt" --key="$keys/healthcheck-client.key" \\
  endpoint health --cluster --write-out=json || :
`);

const member = z.object({
  endpoint: z.string(),
  health: z.boolean(),
  took: z.string().default(''),
  error: z.string().default(''),
});

export const etcdHealth: Check<ClusterView> = {
  id: 'etcd-health',
  title: 'Every member of etcd is healthy',
  on: 'control-planes',
  looksAt: '`etcdctl endpoint health --cluster`, from each control plane',
  settles: 30,
  fragment: () => health,
  judge(view, answers) {
    const wanted = view.inventory.hosts.filter(({ roles }) =>
      roles.includes('control-plane'),
    ).length;
    const told = new Map<string, string>();
    const findings = [...answers].flatMap(([host, { code, stdout, stderr }]): Finding[] => {
      const line = stdout.split('\n').find((text) => text.startsWith('['));
      if (code !== 0 || line === undefined) {
        return [
          {
            what: `${host}: etcd could not be asked`,
            why: stderr.trim() || `exit ${code}`,
            fix: `look at its log: crictl, or /var/log/pods/kube-system_etcd-${host}_*`,
          },
        ];
      }
      const members = z.array(member).parse(JSON.parse(line));
      for (const { endpoint, took } of members) told.set(endpoint, took);
      return [
        ...members
          .filter(({ health }) => !health)
          .map(({ endpoint, error }) => ({
            what: `${host}: the member ${endpoint} is not healthy`,
            why: error.replace(/^Error: /, ''),
            fix: 'look at etcd on that member: its disk, its clock, and the network between members',
          })),
        ...(members.length === wanted
          ? []
          : [
              {
                what: `${host}: etcd has ${counted(members.length, 'member')}, the inventory ${counted(wanted, 'control plane')}`,
                why: 'a control plane has not joined, or one that is gone is still a member',
                fix: 'etcdctl member list; remove a member that does not exist any more',
              },
            ]),
      ];
    });
    const list = [...told].map(([endpoint, took]) => `${endpoint} (${took})`).join(', ');
    return verdictOf(`${counted(told.size, 'member')}: ${list}`, findings);
  },
};

/** etcd listens with its metrics on loopback (kubeadm: listen-metrics-urls). */
const metricsUrl = 'http://127.0.0.1:2381/metrics';

/** Upper bound in milliseconds below which 99 of 100 syncs stayed, from a histogram of Prometheus. */
function p99Of(metrics: string): { readonly below: number; readonly count: number } | undefined {
  const buckets = [
    ...metrics.matchAll(/^etcd_disk_wal_fsync_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$/gm),
  ].map(([, le = '', count = '']) => ({
    below: le === '+Inf' ? Number.POSITIVE_INFINITY : Math.round(Number(le) * 1e6) / 1000,
    count: Number(count),
  }));
  const all = buckets.at(-1)?.count ?? 0;
  const found = buckets.find(({ count }) => count >= 0.99 * all);
  return found === undefined || all === 0 ? undefined : { below: found.below, count: all };
}

export const etcdFsync: Check<ClusterView> = {
  id: 'etcd-fsync',
  title: 'etcd’s disk is fast enough',
  on: 'control-planes',
  looksAt:
    'the histogram etcd_disk_wal_fsync_duration_seconds since etcd started, against "node: {etcdDisk: {fsyncP99}}"',
  settles: 20,
  skip(view) {
    const planes = view.inventory.hosts.filter(({ roles }) => roles.includes('control-plane'));
    if (planes.some(({ name }) => view.probes.has(name))) return undefined;
    const why = view.setUpFailure === undefined ? '' : `: ${view.setUpFailure}`;
    return `no probe pod runs on a control plane${why}`;
  },
  fragment(view, host) {
    const pod = view.probes.get(host);
    if (pod === undefined) return undefined;
    return sh(
      `${findProbe}find_probe "$1" || exit
"/proc/$pid/root/probe" get "$2" | grep '^etcd_disk_wal_fsync_duration_seconds'`,
      pod.name,
      metricsUrl,
    );
  },
  judge(view, answers) {
    const measured = [...answers].map(([host, { stdout, stderr }]) => {
      const limit = view.inventory.hosts.find(({ name }) => name === host)?.node.etcdDisk?.fsyncP99;
      return { host, limit, p99: p99Of(stdout), why: stderr.trim() };
    });
    const looked = measured
      .map(({ host, p99 }) =>
        p99 === undefined
          ? `${host} unknown`
          : `${host} p99 ≤ ${p99.below} ms of ${p99.count} syncs`,
      )
      .join(', ');
    const findings = measured.flatMap(({ host, limit, p99, why }): Finding[] => {
      if (p99 === undefined) {
        return [
          { what: `${host}: etcd’s metrics could not be read`, why: why || 'no such metric' },
        ];
      }
      if (limit === undefined || p99.below <= nextBucket(limit)) return [];
      return [
        {
          what: `${host}: 99 of 100 syncs take up to ${p99.below} ms, above the limit of ${limit} ms`,
          why: 'a slow disk makes etcd change its leader, and the API stall',
          fix: 'give etcd an NVMe of its own (docs/inventory.md, etcdDisk)',
        },
      ];
    });
    const nowhere = measured.every(({ limit }) => limit === undefined);
    if (findings.length === 0 && nowhere) {
      const reason = 'the inventory sets no limit ("etcdDisk"); etcd itself wants p99 below 10 ms';
      return {
        status: 'skipped',
        reason: `${reason}: ${looked}`,
      };
    }
    return verdictOf(looked, findings);
  },
};

/** Buckets double from 1 ms on: a limit of 10 ms cannot be told from 16. */
function nextBucket(limit: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, limit)));
}
