import { sh, type Check, type Finding, type Fragment } from '@skerry/steps';
import type { ClusterView } from './cluster-view.ts';
import { counted, verdictOf } from './probe-tasks.ts';

/** Part of the table from which on a burst can fill it. */
const mostUsed = 0.8;

const read: Fragment = sh(`
cd /proc/sys/net/netfilter || { echo 'the module nf_conntrack is not loaded' >&2; exit 1; }
echo "count $(cat nf_conntrack_count)"
echo "max $(cat nf_conntrack_max)"
[ ! -r /proc/net/stat/nf_conntrack ] || cat /proc/net/stat/nf_conntrack
`);

interface Conntrack {
  readonly count: number;
  readonly max: number;
  /** Since the node started, summed up over its processors; undefined where the kernel does not say. */
  readonly drop: number | undefined;
  readonly earlyDrop: number | undefined;
  readonly insertFailed: number | undefined;
}

/** `count N`, `max N`, then /proc/net/stat/nf_conntrack: names, and a line of hex for each processor. */
function conntrackOf(text: string): Conntrack | undefined {
  const lines = text.split('\n');
  const value = (key: string): number =>
    Number(lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1));
  const [count, max] = [value('count'), value('max')];
  if (!(max > 0) || Number.isNaN(count)) return undefined;
  const head = lines.findIndex((line) => line.startsWith('entries '));
  const names = lines[head]?.trim().split(/\s+/) ?? [];
  const rows = lines
    .slice(head + 1)
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
  const sum = (name: string): number | undefined => {
    const at = names.indexOf(name);
    if (head < 0 || at < 0) return undefined;
    return rows.reduce((total, row) => total + Number.parseInt(row[at] ?? '0', 16), 0);
  };
  return {
    count,
    max,
    drop: sum('drop'),
    earlyDrop: sum('early_drop'),
    insertFailed: sum('insert_failed'),
  };
}

export const conntrack: Check<ClusterView> = {
  id: 'conntrack',
  title: 'The table of connections has room',
  on: 'nodes',
  looksAt:
    'how full the table is (nf_conntrack_count, nf_conntrack_max), and since the node started: entries that had to go for others (early_drop), drop, insert_failed',
  fragment: () => read,
  judge(_view, answers) {
    const told: string[] = [];
    const findings = [...answers].flatMap(([host, { code, stdout, stderr }]): Finding[] => {
      const state = code === 0 ? conntrackOf(stdout) : undefined;
      if (state === undefined) {
        return [
          { what: `${host}: conntrack could not be read`, why: stderr.trim() || 'no such values' },
        ];
      }
      const { count, max, drop, earlyDrop, insertFailed } = state;
      const counters = [
        ...(drop === undefined ? [] : [`drop ${drop}`]),
        ...(earlyDrop === undefined ? [] : [`early_drop ${earlyDrop}`]),
        ...(insertFailed === undefined ? [] : [`insert_failed ${insertFailed}`]),
      ];
      told.push(
        `${host} ${count} of ${max}${counters.length === 0 ? '' : ` (${counters.join(', ')})`}`,
      );
      const full = count >= mostUsed * max;
      if (!full && (earlyDrop ?? 0) === 0) return [];
      return [
        {
          what: full
            ? `${host}: ${count} of ${max} connections are in use`
            : `${host}: the table was full: ${counted(earlyDrop ?? 0, 'connection')} had to go for others since it started`,
          why: 'where the table is full, new connections are dropped, and applications are blamed for it',
          fix: 'raise net.netfilter.nf_conntrack_max in "node: {sysctl: …}"',
        },
      ];
    });
    return verdictOf(told.join(', ') || 'no node', findings);
  },
};
