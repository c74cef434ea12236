import type { Facts } from '../src/facts.ts';

/** The facts of a plain Debian machine; `more` wins. */
export function factsOf(hostname: string, more: Partial<Facts> = {}): Facts {
  return {
    hostname,
    distribution: 'debian',
    version: '13',
    codename: 'trixie',
    family: 'debian',
    kernel: '6.12.0-amd64',
    architecture: 'x86_64',
    cpus: 2,
    memory: 4096,
    machineId: `id-of-${hostname}`,
    productUuid: '',
    virtualization: 'kvm',
    cgroup: 2,
    init: 'systemd',
    timeDaemon: 'chrony',
    containerd: '',
    interfaces: [],
    disks: [],
    kubernetes: { kubelet: '', role: '', ca: '', server: '' },
    ...more,
  };
}
