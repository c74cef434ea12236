import { isAtLeast, seriesOf, versionNumber } from '../version-number.ts';
import type { Sourced } from './entry.ts';

/** A series of a CNI, and the series of Kubernetes that it was run with. */
export interface TestedWith extends Sourced {
  readonly cni: 'cilium' | 'calico';
  /** `1.19` */
  readonly series: string;
  /** The first and the last series of Kubernetes that its makers name, all between them too. */
  readonly kubernetes: readonly [first: string, last: string];
  /** A series more that it ran with in Skerry's own lab. */
  readonly ownLab?: string;
}

const ciliumPage = 'Documentation/network/kubernetes/compatibility.rst of Cilium';
const calicoPage = 'docs.tigera.io, getting-started/kubernetes/requirements of Calico';

/** Oldest first. CNIs whose makers publish no such list are not in it. */
export const testedWith: readonly TestedWith[] = [
  {
    cni: 'cilium',
    series: '1.15',
    kubernetes: ['1.26', '1.29'],
    source: `${ciliumPage} 1.15.19`,
    date: '2026-11-30',
  },
  {
    cni: 'cilium',
    series: '1.16',
    kubernetes: ['1.27', '1.30'],
    source: `${ciliumPage} 1.16.19`,
    date: '2026-11-30',
  },
  {
    cni: 'cilium',
    series: '1.17',
    kubernetes: ['1.29', '1.32'],
    source: `${ciliumPage} 1.17.0`,
    date: '2026-11-30',
  },
  {
    cni: 'cilium',
    series: '1.18',
    kubernetes: ['1.30', '1.33'],
    source: `${ciliumPage} 1.18.5`,
    date: '2026-11-30',
  },
  {
    cni: 'cilium',
    series: '1.19',
    kubernetes: ['1.32', '1.35'],
    ownLab: '1.36',
    source: `${ciliumPage} 1.19.5; test/clusters/cilium.test.ts`,
    date: '2026-11-30',
  },
  {
    cni: 'cilium',
    series: '1.20',
    kubernetes: ['1.33', '1.36'],
    source: `${ciliumPage} 1.20.1`,
    date: '2026-11-30',
  },
  {
    cni: 'calico',
    series: '3.31',
    kubernetes: ['1.32', '1.35'],
    source: `${calicoPage} 3.31`,
    date: '2026-10-22',
  },
  {
    cni: 'calico',
    series: '3.32',
    kubernetes: ['1.34', '1.36'],
    source: `${calicoPage} 3.32`,
    date: '2026-10-22',
  },
  {
    cni: 'calico',
    series: '3.33',
    kubernetes: ['1.35', '1.37'],
    source: `${calicoPage} 3.33`,
    date: '2026-10-22',
  },
];

/** What is known of a version of a CNI; undefined where nothing is. */
export function testedWithOf(cni: string, version: string): TestedWith | undefined {
  const number = versionNumber(version);
  if (number === undefined) return undefined;
  return testedWith.find((one) => one.cni === cni && one.series === seriesOf(number));
}

/** Whether a version of Kubernetes is one of those that an entry names. */
export function isTestedWith(entry: TestedWith, version: string): boolean {
  const number = versionNumber(version);
  if (number === undefined) return false;
  const series = seriesOf(number);
  const [first, last] = entry.kubernetes;
  return series === entry.ownLab || (isAtLeast(series, first) && isAtLeast(last, series));
}

/** `1.32 to 1.35, and 1.36 in Skerry’s lab` */
export function testedWords({ kubernetes: [first, last], ownLab }: TestedWith): string {
  return `${first} to ${last}${ownLab === undefined ? '' : `, and ${ownLab} in Skerry’s lab`}`;
}
