import { DiagnosticError } from '@skerry/diagnostics';
import { expect, test } from 'vitest';
import { hardwareAddress, labNetwork, networkXml } from '../src/network.ts';
import { checkNames, type LabMachine } from '../src/settings.ts';

const machine = (name: string, address: string, ...serials: string[]): LabMachine => ({
  name,
  address,
  disks: serials.map((serial) => ({ serial, size: 1, bus: 'nvme' })),
});

function diagnosticsOf(work: () => unknown): readonly { code: string; what: string }[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  return [];
}

test('gateway, mask and the range for others come from the network', () => {
  expect(labNetwork('10.1.2.128/25', [])).toEqual({
    cidr: '10.1.2.128/25',
    gateway: '10.1.2.129',
    netmask: '255.255.255.128',
    range: ['10.1.2.250', '10.1.2.254'],
  });
});

test('every address outside of the network, and the gateway, is named at once', () => {
  const found = diagnosticsOf(() =>
    labNetwork('192.168.121.0/24', [
      machine('gateway', '192.168.121.1'),
      machine('broadcast', '192.168.121.255'),
      machine('elsewhere', '10.0.0.5'),
      machine('fine', '192.168.121.254'),
      machine('word', 'localhost'),
    ]),
  );
  expect(found.map(({ what }) => what.split(' ')[0])).toEqual([
    'gateway',
    'broadcast',
    'elsewhere',
    'word',
  ]);
});

test.each(['192.168.121.0', '192.168.121.0/8', '300.1.1.0/24', 'fd00::/64'])(
  '%s is refused as a network',
  (cidr) => {
    expect(diagnosticsOf(() => labNetwork(cidr, []))).toMatchObject([{ code: 'lab-network' }]);
  },
);

test('each machine has its reservation, under a hardware address of its own', () => {
  const machines = [machine('lab-1', '192.168.121.11'), machine('lab-2', '192.168.121.12')];
  const xml = networkXml(labNetwork('192.168.121.0/24', machines), machines, 1400);
  expect(xml).toContain("<host mac='52:54:00:a8:79:0b' name='lab-1' ip='192.168.121.11'/>");
  expect(xml).toContain("<host mac='52:54:00:a8:79:0c' name='lab-2' ip='192.168.121.12'/>");
  expect(xml).toContain("<mtu size='1400'/>");
  expect(hardwareAddress('10.0.255.1')).toBe('52:54:00:00:ff:01');
});

test('names and serial numbers that could not be used as they stand are all named', () => {
  const found = diagnosticsOf(() => {
    checkNames([
      machine('a b', '10.0.0.2', 'GOOD1'),
      machine("x';rm", '10.0.0.3', 'has,comma', 'TWENTY-ONE-CHARACTERS'),
      machine('lab-1', '10.0.0.4', 'GOOD1'),
    ]);
  });
  expect(found.map(({ what }) => what)).toEqual([
    '"a b" is no name for a lab machine',
    '"x\';rm" is no name for a lab machine',
    '"has,comma" of x\';rm is no serial number for a lab disk',
    '"TWENTY-ONE-CHARACTERS" of x\';rm is no serial number for a lab disk',
    'two lab disks have the serial number "GOOD1"',
  ]);
  expect(
    diagnosticsOf(() => {
      checkNames([]);
    }),
  ).toHaveLength(1);
});
