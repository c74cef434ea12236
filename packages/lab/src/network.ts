import { DiagnosticError } from '@skerry/diagnostics';
import { labName, type LabMachine } from './settings.ts';

export interface LabNetwork {
  readonly cidr: string;
  readonly gateway: string;
  readonly netmask: string;
  /** First and last address for machines that have no fixed one. */
  readonly range: readonly [string, string];
}

function toNumber(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/**
 * The lab's network, with every machine's address checked against it.
 *
 * @throws DiagnosticError `lab-network` with all findings at once.
 */
export function labNetwork(cidr: string, machines: readonly LabMachine[]): LabNetwork {
  const [address = '', prefixText = ''] = cidr.split('/');
  const base = toNumber(address);
  const prefix = /^\d{1,2}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (base === undefined || !(prefix >= 16 && prefix <= 28)) {
    throw new DiagnosticError({
      code: 'lab-network',
      severity: 'error',
      what: `"${cidr}" is no network for a lab`,
      why: 'an IPv4 network with a prefix from /16 to /28 is needed',
      fix: 'for example 192.168.121.0/24',
    });
  }
  const size = 2 ** (32 - prefix);
  const first = base - (base % size);
  const gateway = first + 1;
  const wrong = machines.filter((machine) => {
    const value = toNumber(machine.address);
    return value === undefined || value <= gateway || value >= first + size - 1;
  });
  if (wrong.length > 0) {
    throw new DiagnosticError(
      wrong.map((machine) => ({
        code: 'lab-network',
        severity: 'error' as const,
        what: `${machine.name} has the address ${machine.address}, which is not free in the lab's network ${cidr}`,
        fix: `give it one from ${toAddress(first + 2)} to ${toAddress(first + size - 2)}, or change \`lab.network\``,
      })),
    );
  }
  return {
    cidr,
    gateway: toAddress(gateway),
    netmask: toAddress(2 ** 32 - size),
    range: [toAddress(first + size - 6), toAddress(first + size - 2)],
  };
}

/** A stable hardware address in QEMU's range, from the machine's IPv4 address. */
export function hardwareAddress(address: string): string {
  const last = address.split('.').slice(1);
  return ['52', '54', '00', ...last.map((part) => Number(part).toString(16).padStart(2, '0'))].join(
    ':',
  );
}

/** libvirt's description of the network: NAT, and one DHCP reservation per machine. */
export function networkXml(
  network: LabNetwork,
  machines: readonly LabMachine[],
  mtu: number,
): string {
  const hosts = machines.map(
    ({ name, address }) =>
      `      <host mac='${hardwareAddress(address)}' name='${name}' ip='${address}'/>`,
  );
  return `<network>
  <name>${labName}</name>
  <forward mode='nat'/>
  <bridge name='${bridgeName}' stp='off' delay='0'/>
  <mtu size='${mtu}'/>
  <ip address='${network.gateway}' netmask='${network.netmask}'>
    <dhcp>
      <range start='${network.range[0]}' end='${network.range[1]}'/>
${hosts.join('\n')}
    </dhcp>
  </ip>
</network>
`;
}

const bridgeName = 'skerry0';
