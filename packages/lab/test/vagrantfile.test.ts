import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { labNetwork } from '../src/network.ts';
import { ruby, vagrantfile, type VagrantfileInputs } from '../src/vagrantfile.ts';

const machines = [
  {
    name: 'lab-1',
    address: '192.168.121.11',
    disks: [
      {
        serial: 'SKERRYETCD1',
        size: 2,
        bus: 'nvme' as const,
        path: '/pool/lab-1-SKERRYETCD1.qcow2',
      },
      { serial: 'SPARE1', size: 3, bus: 'virtio' as const, path: '/pool/unused.qcow2' },
    ],
  },
  { name: 'lab-2', address: '192.168.121.12', cpus: 1, memory: 3072, disks: [] },
];

const inputs: VagrantfileInputs = {
  settings: { cpus: 2, memory: 2048, disk: 10, network: '192.168.121.0/24', debian: 'trixie' },
  network: labNetwork('192.168.121.0/24', machines),
  machines,
  accelerator: 'qemu',
  box: 'skerry/debian-trixie-0123456789ab',
  publicKey: 'ssh-ed25519 AAAA skerry-lab\n',
  pool: '/pool',
  boot: { kernel: '/pool/vmlinuz', initrd: '/pool/initrd.img' },
  mtu: 1400,
  seed: 'disk',
};

test('the built box is booted directly, emulated, with NVMe and virtio disks', async () => {
  await expect(vagrantfile(inputs)).toMatchFileSnapshot('golden/built-box.Vagrantfile');
});

test("a user's own box boots by itself, under KVM, and lets the lab's key in", async () => {
  const kvm = { ...inputs, accelerator: 'kvm' as const, seed: 'cdrom' as const };
  const own = { ...kvm, box: "o'brien/debian", boot: undefined };
  await expect(vagrantfile(own)).toMatchFileSnapshot('golden/own-box.Vagrantfile');
});

const interpreter = 'ruby';

const hasRuby = (() => {
  try {
    execFileSync(interpreter, ['--version']);
    return true;
  } catch {
    return false;
  }
})();

test.runIf(hasRuby)('ruby reads back any text byte for byte', () => {
  for (const text of ["it's", 'a\\b', "\\'", '#{1 + 1}', 'line\nline', 'ümlaut', '$HOME `x`']) {
    const program = `print ${ruby(text)}`;
    expect(execFileSync(interpreter, ['-e', program], { encoding: 'utf8' })).toBe(text);
  }
});

test.runIf(hasRuby)('both files are valid Ruby', () => {
  for (const each of [inputs, { ...inputs, boot: undefined }]) {
    const said = execFileSync(interpreter, ['-c'], { input: vagrantfile(each), encoding: 'utf8' });
    expect(said.trim()).toBe('Syntax OK');
  }
});
