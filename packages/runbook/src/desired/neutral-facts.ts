import { createHash } from 'node:crypto';
import type { Host } from '@skerry/inventory';
import type { Facts } from '../facts.ts';

/** In words, for who reads what was rendered with them. */
export const neutralFactsText = 'Debian 13, kernel 6.12, x86_64, 4 processors, 8 GiB of memory';

/**
 * Facts for a host that no run has read yet, so that a runbook can be expanded offline: a plain
 * Debian 13 machine with the name, the address and the disks that the inventory gives it. What makes
 * a host unique (machine-id, product_uuid, MAC) is derived from its name: no two share it.
 */
export function neutralFacts(host: Host): Facts {
  const digest = createHash('sha256').update(host.name).digest('hex');
  const octets = digest.match(/../g) ?? [];
  return {
    hostname: host.name,
    distribution: 'debian',
    version: '13',
    codename: 'trixie',
    family: 'debian',
    kernel: '6.12.0-amd64',
    architecture: 'x86_64',
    cpus: 4,
    memory: 8192,
    machineId: digest.slice(0, 32),
    productUuid: [8, 4, 4, 4, 12]
      .map((length, index, lengths) => {
        const start = lengths.slice(0, index).reduce((sum, one) => sum + one, 32);
        return digest.slice(start, start + length);
      })
      .join('-'),
    virtualization: 'none',
    cgroup: 2,
    init: 'systemd',
    timeDaemon: 'systemd-timesyncd',
    containerd: '',
    interfaces: [
      {
        name: 'eth0',
        // The second bit of the first octet: given by an administrator, not by a maker.
        mac: ['02', ...octets.slice(0, 5)].join(':'),
        mtu: 1500,
        addresses: [`${host.address}/${host.address.includes(':') ? 64 : 24}`],
      },
    ],
    kubernetes: { kubelet: '', role: '', ca: '', server: '' },
    disks: host.node.disks.flatMap(({ serial }, index) =>
      serial === undefined
        ? []
        : [{ name: `nvme${index}n1`, serial, size: 1_000_000_000_000, rotational: false }],
    ),
  };
}
