import { z } from 'zod';

/** What fio says of fdatasync: nanoseconds, and percentiles by name (`99.000000`). */
const fioSync = z.object({
  lat_ns: z.object({
    max: z.number(),
    N: z.number().positive(),
    percentile: z.record(z.string(), z.number()),
  }),
});

/** Milliseconds. */
export interface FsyncLatency {
  readonly p99: number;
  readonly max: number;
  /** Percentile (`50`, `99.9`) to milliseconds, ascending. */
  readonly distribution: readonly (readonly [percentile: number, milliseconds: number])[];
  readonly writes: number;
}

const milliseconds = (nanoseconds: number): number => Math.round(nanoseconds / 1000) / 1000;

/** Reads the `sync` object of fio's JSON. Throws where it is something else. */
export function parseFsync(text: string): FsyncLatency {
  const { lat_ns: latency } = fioSync.parse(JSON.parse(text));
  const p99 = latency.percentile['99.000000'];
  if (p99 === undefined) throw new Error('fio gave no 99th percentile');
  return {
    p99: milliseconds(p99),
    max: milliseconds(latency.max),
    distribution: Object.entries(latency.percentile)
      .map(([name, value]): [number, number] => [Number(name), milliseconds(value)])
      .toSorted(([a], [b]) => a - b),
    writes: latency.N,
  };
}

/** `p1 0.04, …, p99 2.06, …, max 3.70 ms (911 writes)` */
export function describeFsync({ distribution, max, writes }: FsyncLatency): string {
  const points = distribution.map(([percentile, value]) => `p${percentile} ${value.toFixed(2)}`);
  return `${points.join(', ')}, max ${max.toFixed(2)} ms (${writes} writes)`;
}

/**
 * sh: `fsync_cache PATH` sets `cache` to the file in which the last measurement of the filesystem
 * under PATH is kept: by its UUID, since names of disks change places from boot to boot, and by device
 * and id where it has none. `measure_fsync PATH MIB` writes so much with fio into a folder of its own below
 * PATH, removes it, and keeps fio's `sync` object in `cache`. The arguments of fio are those that
 * etcd's documentation gives (https://etcd.io/docs/latest/op-guide/hardware/).
 * Needs `write_file` and `fail`.
 */
export const fsyncCache = `
fsync_cache() {
  volume=$(findmnt -n -o UUID -T "$1" 2>/dev/null | head -n 1)
  if [ -z "$volume" ]; then
    disk=$(df -P "$1" | awk 'NR == 2 { print $1 }')
    volume=\${disk##*/}-$(stat -f -c %i "$1")
  fi
  cache=/var/lib/skerry/fsync-$volume.json
}`;

export const measureFsync = `
measure_fsync() {
  command -v fio >/dev/null || fail 'fio is missing: a package step before this one must install it'
  work=$(mktemp -d "$1/.skerry-fsync.XXXXXX") || fail "no folder can be made in $1"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT HUP TERM
  fio --name=fsync --directory="$work" --rw=write --ioengine=sync --fdatasync=1 --size="$2m" --bs=2300 \\
    --output-format=json --output="$work/fio.json" >/dev/null || fail "fio failed in $1"
  result=$(awk '
    /^ *"sync" : \\{$/ { depth = 1; print "{"; next }
    depth { line = $0; depth += gsub(/\\{/, "{") - gsub(/\\}/, "}"); if (!depth) { print "}"; exit } print line }
  ' "$work/fio.json" | tr -d ' \\n')
  rm -rf "$work"
  [ -n "$result" ] || fail 'fio said nothing of fdatasync: it is older than 3.5'
  write_file "$cache" 0644 "$result
"
}`;
