import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootstrap, events, execsDuring, inventory, on, output, outputs } from '../machines.ts';
import { receivedDuring, scriptsFor } from './recorder.ts';

const machines = ['lab-1', 'lab-2'];

/** Everything that a dry run might touch, as one text of hashes. Volatile values are left out. */
const fingerprint = `
find /etc /var/lib/skerry -type f -exec sha256sum {} + 2>/dev/null | sort
sysctl -a 2>/dev/null | grep -vE '^(fs\\.(dentry|file-nr|inode|quota)|kernel\\.(random|pty\\.nr|ns_last_pid|perf|sched_domain|hostname)|net\\..*nf_conntrack_count|vm\\.stat|dev\\.|net\\.ipv4\\.tcp_fastopen_key)' | sort
lsmod | cut -d' ' -f1 | sort
swapon --show --noheadings
cat /proc/self/mountinfo | cut -d' ' -f5- | sort
`;

async function planLines(): Promise<string[]> {
  const ended = await bootstrap('plan', inventory, '--json');
  expect(ended.code, ended.stderr).toBe(0);
  return events(ended)
    .filter(({ type }) => type === 'plan')
    .flatMap(({ plan }) => (plan as Plan).hosts)
    .flatMap(({ host, plays }) =>
      plays.flatMap(({ steps }) =>
        steps.flatMap(({ id, changes }) =>
          changes.map(({ subject }) => `${host} ${id}: ${subject}`),
        ),
      ),
    );
}

interface Plan {
  hosts: {
    host: string;
    plays: { steps: { id: string; changes: { subject: string }[] }[] }[];
  }[];
}

/** What the inventory asks for, read by the host's own commands. */
async function holds(): Promise<void> {
  for (const machine of machines) {
    const found = await outputs(machine, {
      modules: 'lsmod',
      parameters:
        'sysctl -n net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.netfilter.nf_conntrack_max net.core.somaxconn',
      swap: 'swapon --show',
      name: 'hostname',
      address: 'getent hosts lab-2',
      ctr: 'ctr version',
      service: 'systemctl is-enabled containerd; systemctl is-active containerd',
      configuration: 'containerd config dump | grep SystemdCgroup',
      pause: 'grep sandbox_image /etc/containerd/config.toml',
    });
    for (const module of ['overlay', 'br_netfilter', 'nf_conntrack']) {
      expect(found.modules).toMatch(new RegExp(`^${module}\\b`, 'm'));
    }
    expect(found.parameters).toBe('1\n1\n1000000\n32768');
    expect(found.swap).toBe('');
    expect(found.name).toBe(machine);
    expect(found.address).toContain('192.168.121.12');
    expect(found.ctr).toMatch(/Server:[\s\S]*Version:/);
    expect(found.service).toBe('enabled\nactive');
    expect(found.configuration).toContain('SystemdCgroup = true');
    expect(found.pause).toContain('registry.k8s.io/pause:');
  }
  const disk = await outputs('lab-1', {
    mount: 'findmnt -no SOURCE,FSTYPE,OPTIONS /var/lib/etcd',
    serial: 'cat /sys/block/$(findmnt -no SOURCE /var/lib/etcd | sed s,/dev/,,)/device/serial',
    scheduler: 'cat /sys/block/$(findmnt -no SOURCE /var/lib/etcd | sed s,/dev/,,)/queue/scheduler',
  });
  expect(disk.mount).toMatch(/^\/dev\/nvme\S+\s+ext4\s+.*noatime/);
  expect(disk.serial.trim()).toBe('SKERRYETCD1');
  expect(disk.scheduler).toContain('[none]');
}

describe('1. a plan', () => {
  test('lists exactly the expected changes and changes nothing', async () => {
    // A machine with swap, as a user's would be: a swap file, live and in fstab.
    await output(
      'lab-2',
      `dd if=/dev/zero of=/swapfile bs=1M count=16 2>/dev/null && chmod 600 /swapfile &&
       mkswap /swapfile >/dev/null && swapon /swapfile && echo '/swapfile none swap sw 0 0' >>/etc/fstab`,
    );
    const before = await Promise.all(machines.map((machine) => output(machine, fingerprint)));
    const lines = await planLines();
    const after = await Promise.all(machines.map((machine) => output(machine, fingerprint)));
    expect(after).toEqual(before);
    const steps = (machine: string): string[] => [
      ...new Set(
        lines
          .filter((line) => line.startsWith(`${machine} `))
          .map((line) => line.slice(machine.length + 1).split(': ')[0] ?? ''),
      ),
    ];
    const kernel = [
      'hostsEntries cluster',
      'package node',
      'kernelModules kubernetes',
      'sysctl kubernetes',
    ];
    const runtime = [
      'package containerd',
      'directory /etc/containerd/certs.d',
      'template /etc/containerd/config.toml',
      'file /etc/crictl.yaml',
      'service containerd',
    ];
    const disks = ['blockQueue', 'filesystem'].map((kind) => `${kind} SKERRYETCD1`);
    expect(steps('lab-1')).toEqual([
      ...kernel,
      'timeSync',
      ...disks,
      'mount /var/lib/etcd',
      'directory /var/lib/etcd',
      'gate etcd disk',
      ...runtime,
    ]);
    expect(steps('lab-2')).toEqual([...kernel, 'swap', 'timeSync', ...runtime]);
    expect(lines.filter((line) => line.startsWith('lab-2 swap: ')).join()).toContain('/swapfile');
  });
});

describe('2. an apply', () => {
  test('of a saved plan exits 0; sshd received its scripts, and the hosts say what the inventory says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-prepare-'));
    const plan = join(folder, 'plan.json');
    const saved = await bootstrap('plan', inventory, '--out', plan);
    expect(saved.code, saved.stdout + saved.stderr).toBe(0);
    const scripts = scriptsFor('lab-2', plan);
    let changed: string[] = [];
    const received = await receivedDuring('lab-2', async () => {
      const applied = await bootstrap('apply', plan, '--yes', '--json');
      expect(applied.code, applied.stdout + applied.stderr).toBe(0);
      changed = events(applied)
        .filter(({ type, host }) => type === 'step-finished' && host === 'lab-2')
        .filter(({ handler, result }) => handler === false && result === 'changed')
        .map(({ step }) => String(step));
      expect(events(applied).find(({ type }) => type === 'run-finished')).toMatchObject({
        hosts: machines.map((host) => ({ host, outcome: 'changed' })),
      });
    });
    rmSync(folder, { recursive: true });
    expect(changed.length).toBeGreaterThan(5);
    for (const step of changed) expect(received, step).toContain(scripts.get(step));
    await holds();
  });

  test('leaves an empty plan, which costs one exec per host', async () => {
    // Before a plan the lab makes sure that its machines answer: that is not the plan's.
    const asked = await execsDuring('lab-1', async () => {
      expect((await bootstrap('lab', 'up', inventory, '--yes')).code).toBe(0);
    });
    const execs = await execsDuring('lab-1', async () => {
      const again = await bootstrap('plan', inventory, '--detailed-exitcode');
      expect(again.code, again.stdout + again.stderr).toBe(0);
    });
    expect(execs - asked).toBe(1);
    const apply = await bootstrap('apply', inventory, '--yes');
    expect(apply.code).toBe(0);
    expect(apply.stdout).toMatch(/nothing to do/i);
  });
});

describe('3. after a reboot', () => {
  test('everything still holds and the plan is empty', async () => {
    const bootId = 'cat /proc/sys/kernel/random/boot_id';
    const before = await Promise.all(machines.map((machine) => output(machine, bootId)));
    await Promise.all(machines.map((machine) => on(machine, 'systemctl reboot')));
    const patiently = { timeout: 400_000, interval: 5000 };
    for (const [index, machine] of machines.entries()) {
      const ready = `[ "$(${bootId})" != '${before[index]}' ] && systemctl is-active containerd`;
      await expect
        .poll(async () => (await on(machine, ready)).stdout.trim(), patiently)
        .toBe('active');
    }
    await holds();
    const plan = await bootstrap('plan', inventory, '--detailed-exitcode');
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  });
});

describe('4. drift by hand', () => {
  test('is shown as exactly that, and apply repairs only that', async () => {
    await output('lab-1', 'sysctl -q -w net.core.somaxconn=100');
    await output(
      'lab-1',
      "sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' /etc/containerd/config.toml",
    );
    await output('lab-2', 'systemctl stop containerd');
    const started = await output('lab-2', 'systemctl show -p ActiveEnterTimestamp ssh');
    expect((await planLines()).toSorted()).toEqual([
      'lab-1 sysctl kubernetes: net.core.somaxconn (live)',
      'lab-1 template /etc/containerd/config.toml: /etc/containerd/config.toml (content)',
      'lab-2 service containerd: containerd (live)',
    ]);
    const shown = await bootstrap('plan', inventory);
    expect(shown.stdout).toContain('-  SystemdCgroup = false');
    expect(shown.stdout).toContain('+  SystemdCgroup = true');
    const applied = await bootstrap('apply', inventory, '--yes', '--json');
    expect(applied.code, applied.stderr).toBe(0);
    const changed = events(applied)
      .filter(({ type, result }) => type === 'step-finished' && result === 'changed')
      .map(({ host, step }) => `${String(host)} ${String(step)}`);
    expect(changed.toSorted()).toEqual([
      'lab-1 restart containerd',
      'lab-1 sysctl kubernetes',
      'lab-1 template /etc/containerd/config.toml',
      'lab-2 service containerd',
    ]);
    expect(await output('lab-2', 'systemctl show -p ActiveEnterTimestamp ssh')).toBe(started);
    await holds();
  });
});

describe('5. a failing step on one host', () => {
  const runbook = 'test/vms/failing.ts';

  test('stops that host, says where and why, and the next apply finishes', async () => {
    await output('lab-1', 'rm -rf /srv/vms && mkdir /srv/vms && touch /srv/vms/broken');
    await output('lab-2', 'rm -rf /srv/vms && mkdir /srv/vms');
    const first = await bootstrap('run', runbook, inventory, '--yes');
    expect(first.code, first.stdout + first.stderr).toBe(3);
    expect(first.stdout).toContain('lab-1');
    expect(first.stdout).toContain('command risky');
    expect(first.stdout).toContain('this machine is broken');
    expect(await output('lab-1', 'ls /srv/vms')).toBe('before\nbroken');
    expect(await output('lab-2', 'ls /srv/vms')).toBe('after\nbefore\ndone');
    await output('lab-1', 'rm /srv/vms/broken');
    const second = await bootstrap('run', runbook, inventory, '--yes');
    expect(second.code, second.stdout + second.stderr).toBe(0);
    expect(await output('lab-1', 'ls /srv/vms')).toBe('after\nbefore\ndone');
  });
});

describe('6. the wipe guard', () => {
  const runbook = 'test/vms/data-disk.ts';

  test('refuses a disk that holds data, and formats it when its serial is named', async () => {
    const disk =
      '$(for d in /sys/block/nvme*n1; do if grep -q SKERRYDATA1 $d/device/serial; then echo /dev/${d##*/}; fi; done)';
    await output(
      'lab-1',
      `set -e; disk=${disk}; umount "$disk" 2>/dev/null || :; wipefs -qa "$disk"; mkfs.ext2 -q -L precious "$disk"
       mkdir -p /mnt/d; mount "$disk" /mnt/d; echo gold >/mnt/d/treasure; umount /mnt/d`,
    );
    const hash = `head -c 64M "${disk}" | sha256sum`;
    const before = await output('lab-1', hash);
    const refused = await bootstrap('run', runbook, inventory, '--limit', 'lab-1', '--yes');
    expect(refused.code, refused.stdout + refused.stderr).toBe(3);
    expect(refused.stdout).toContain('ext2');
    expect(refused.stdout).toContain('SKERRYDATA1');
    expect(refused.stdout).toContain('wipe');
    expect(await output('lab-1', hash)).toBe(before);
    const allowed = await bootstrap(
      'run',
      'test/vms/data-disk-wiped.ts',
      inventory,
      '--limit',
      'lab-1',
      '--yes',
    );
    expect(allowed.code, allowed.stdout + allowed.stderr).toBe(0);
    expect(await output('lab-1', `blkid -o value -s TYPE "${disk}"`)).toBe('ext4');
  });
});
