import { seriesOf, versionNumber } from '../version-number.ts';
import type { Sourced } from './entry.ts';

/** A minor release of Kubernetes, and what belongs to it. */
export interface KubernetesRelease extends Sourced {
  /** `1.36` */
  readonly series: string;
  /** The newest patch that is known, as a number. */
  readonly newestPatch: number;
  /** No patch will follow. */
  readonly final: boolean;
  /** YYYY-MM-DD, from when on there are no fixes. */
  readonly endOfLife: string;
  /** The series of etcd that its kubeadm brings. */
  readonly etcd: string;
  /** The pause image that its kubeadm and containerd are to agree on. */
  readonly pause: string;
  /** The oldest containerd that is recommended with it. */
  readonly containerd: string;
  /** The oldest kernel that kubeadm's preflight accepts. */
  readonly kernel: string;
  /** Whether its kubelet starts on cgroup v1 unless it is told to. */
  readonly cgroupV1: boolean;
}

/** Oldest first. */
export const kubernetesReleases: readonly KubernetesRelease[] = [
  {
    series: '1.33',
    newestPatch: 13,
    final: false,
    endOfLife: '2026-06-28',
    etcd: '3.5',
    pause: '3.10',
    containerd: '1.7.24',
    kernel: '5.4',
    cgroupV1: true,
    source: 'kubernetes.io/releases/patch-releases; containerd RELEASES.md (Kubernetes support)',
    date: '2026-10-15',
  },
  {
    series: '1.34',
    newestPatch: 11,
    final: false,
    endOfLife: '2026-10-27',
    etcd: '3.6',
    pause: '3.10.1',
    containerd: '1.7.28',
    kernel: '5.4',
    cgroupV1: true,
    source: 'kubernetes.io/releases/1.34; kubespray roles/kubespray_defaults',
    date: '2026-10-15',
  },
  {
    series: '1.35',
    newestPatch: 9,
    final: false,
    endOfLife: '2027-02-28',
    etcd: '3.6',
    pause: '3.10.1',
    containerd: '1.7.28',
    kernel: '5.4',
    cgroupV1: false,
    source: 'kubernetes.io/releases/1.35; KEP-5573 (failCgroupV1 is true since 1.35)',
    date: '2026-10-15',
  },
  {
    series: '1.36',
    newestPatch: 4,
    final: false,
    endOfLife: '2027-06-28',
    etcd: '3.6',
    pause: '3.10.2',
    containerd: '2.2.0',
    kernel: '5.4',
    cgroupV1: false,
    source: 'kubernetes.io/releases/1.36; containerd RELEASES.md (Kubernetes support)',
    date: '2026-10-15',
  },
  {
    series: '1.37',
    newestPatch: 1,
    final: false,
    endOfLife: '2027-10-28',
    etcd: '3.7',
    pause: '3.10.2',
    containerd: '2.2.0',
    kernel: '5.4',
    cgroupV1: false,
    source: 'kubernetes.io/releases/1.37; kubernetes CHANGELOG-1.37',
    date: '2026-10-15',
  },
];

/** The release that a version belongs to, or undefined where the matrix does not know it. */
export function releaseOf(version: string): KubernetesRelease | undefined {
  const number = versionNumber(version);
  if (number === undefined) return undefined;
  return kubernetesReleases.find(({ series }) => series === seriesOf(number));
}
