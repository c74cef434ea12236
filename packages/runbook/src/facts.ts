/**
 * What a host is, as far as it stays the same from one run to the next: no uptime, no free memory.
 * Read in the first script of every run, and kept in the state folder so that the next run can
 * expand its plays before it has asked.
 */
export interface Facts {
  readonly hostname: string;
  /** `debian`, `ubuntu`, `rhel`, …: ID of os-release(5). */
  readonly distribution: string;
  /** VERSION_ID: `13`, `24.04`. */
  readonly version: string;
  /** VERSION_CODENAME, or ''. */
  readonly codename: string;
  /** `debian` or `redhat`: which package manager and which paths; '' where unknown. */
  readonly family: 'debian' | 'redhat' | '';
  /** `uname -r`. */
  readonly kernel: string;
  /** `uname -m`. */
  readonly architecture: string;
  readonly cpus: number;
  /** MiB. */
  readonly memory: number;
  readonly machineId: string;
  readonly productUuid: string;
  /** `systemd-detect-virt`: `kvm`, `qemu`, `none`, …; '' where unknown. */
  readonly virtualization: string;
  readonly cgroup: 1 | 2;
  readonly init: 'systemd' | 'other';
  /** Which program keeps the clock: what is installed, '' where none is. */
  readonly timeDaemon: 'chrony' | 'systemd-timesyncd' | '';
  /** What `containerd --version` says, without what the distribution adds: `1.7.24`; '' where there is none. */
  readonly containerd: string;
  readonly interfaces: readonly Interface[];
  readonly disks: readonly Disk[];
  readonly kubernetes: Membership;
}

/**
 * Which cluster a host is a member of, as its files say. A host on which `kubeadm` was begun by
 * Skerry and did not come to its end (/var/lib/skerry/kubeadm.started) is no member.
 */
export interface Membership {
  /** What `kubelet --version` says: `1.36.3`; '' where there is none. */
  readonly kubelet: string;
  readonly role: '' | 'worker' | 'control-plane';
  /** SHA-256 of /etc/kubernetes/pki/ca.crt in lower-case hex, '' for no member. */
  readonly ca: string;
  /** The URL of the API in /etc/kubernetes/kubelet.conf, '' for no member, or where it may not be read. */
  readonly server: string;
  /** Of a control plane: what its static pods run with. */
  readonly networks?: RunningNetworks;
}

/** Flags of static pods as kubeadm writes them; '' where there is none, or where it may not be read. */
interface RunningNetworks {
  /** `10.244.0.0/16,fd00:244::/56` */
  readonly pods: string;
  readonly services: string;
  /** The DNS domain, of the issuer of service account tokens: `cluster.local`. */
  readonly domain: string;
}

/** A network interface with a device behind it. */
export interface Interface {
  readonly name: string;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  /** With prefix length: `10.20.0.11/24`. */
  readonly addresses: readonly string[];
}

export interface Disk {
  /** `nvme0n1` */
  readonly name: string;
  readonly serial: string;
  /** Bytes. */
  readonly size: number;
  readonly rotational: boolean;
}
