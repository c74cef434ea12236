import { expect, test } from 'vitest';
import {
  chooseAccelerator,
  commandLine,
  installCommands,
  requirementsFor,
} from '../src/requirements.ts';

const intel = 'processor\t: 0\nflags\t\t: fpu vme vmx sse2\n';
const nested = 'processor\t: 0\nflags\t\t: fpu vme sse2\nbugs\t\t: svm-lookalike\n';

test.each([
  ['kvm', intel, true],
  ['kvm', intel.replace('vmx', 'svm'), true],
  ['qemu', intel, false],
  ['qemu', nested, true],
] as const)('%s', (expected, cpuinfo, usable) => {
  expect(chooseAccelerator(cpuinfo, usable)).toBe(expected);
});

test('what builds a box is not needed for a box of the user', () => {
  const packages = (ownBox: boolean, namespace: boolean) =>
    requirementsFor({ ownBox, namespace }).map((requirement) => requirement.package);
  expect(packages(false, false)).toContain('mmdebstrap');
  expect(packages(true, false)).not.toContain('mmdebstrap');
  expect(packages(true, false)).not.toContain('nftables');
  expect(packages(true, true)).toContain('nftables');
});

test('one command line installs all that is missing, each package once', () => {
  const missing = requirementsFor({ ownBox: false, namespace: true }).filter(({ package: name }) =>
    ['vagrant', 'mmdebstrap'].includes(name),
  );
  const commands = installCommands([...missing, ...missing], false);
  expect(commandLine(commands)).toBe(
    'sudo apt-get update && sudo apt-get install --yes mmdebstrap vagrant',
  );
  expect(commandLine(installCommands(missing, true))).toBe(
    'apt-get update && apt-get install --yes mmdebstrap vagrant',
  );
  expect(installCommands([], true)).toEqual([]);
});
