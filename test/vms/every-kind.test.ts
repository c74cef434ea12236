import { expect, test } from 'vitest';
import { bootstrap, inventory, on, output } from './machines.ts';

const limit = ['--limit', 'lab-2'];
const runbook = 'test/vms/every-kind.ts';

test('the other kinds do what they say, through a reboot', async () => {
  await output(
    'lab-2',
    'mkdir -p /srv/gone/deep && touch /srv/gone/deep/file /run/reboot-required',
  );
  const boot = await output('lab-2', 'cat /proc/sys/kernel/random/boot_id');
  const applied = await bootstrap('run', runbook, inventory, ...limit, '--yes');
  expect(applied.code, applied.stdout + applied.stderr).toBe(0);
  expect(applied.stdout).toContain('waiting for a new boot id');
  expect(await output('lab-2', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(boot);

  expect(await output('lab-2', 'hostname; cat /etc/hostname')).toBe('lab-2b\nlab-2b');
  expect(await output('lab-2', 'stat -c "%a %U:%G" /srv/kinds /srv/kinds/odd')).toBe(
    '750 root:root\n600 root:root',
  );
  expect((await on('lab-2', 'cat /srv/kinds/link')).stdout).toBe(
    `quotes ' " \` $(touch /srv/kinds/pwned)\n\ttab, ünïcödé 日本, no newline at the end`,
  );
  expect((await on('lab-2', 'ls /srv/kinds/pwned /srv/gone')).code).not.toBe(0);
  expect(await output('lab-2', 'cat /srv/kinds/args')).toBe("it's\n$HOME");
  expect(await output('lab-2', 'cat /etc/motd')).toContain('Managed.');
  expect(await output('lab-2', 'id deploy')).toMatch(/uid=4242\(deploy\).*\(adm\)/);
  expect(await output('lab-2', 'stat -c "%a %U" ~deploy/.ssh ~deploy/.ssh/authorized_keys')).toBe(
    '700 deploy\n600 deploy',
  );
  expect(await output('lab-2', 'lsmod')).toMatch(/^dummy\b/m);
  expect(await output('lab-2', 'sysctl -n kernel.panic')).toBe('10');
  expect(await output('lab-2', 'apt-mark showhold')).toBe('tree');
  expect(await output('lab-2', 'tree --version')).toMatch(/^tree v/);
  expect(await output('lab-2', 'systemctl is-enabled apt-daily.timer || :')).toBe('masked');

  const again = await bootstrap(
    'run',
    runbook,
    inventory,
    ...limit,
    '--check',
    '--detailed-exitcode',
  );
  expect(again.code, again.stdout + again.stderr).toBe(0);
  await output('lab-2', 'hostnamectl hostname lab-2');
});

test('a machine without a boot loader is refused an argument of its kernel, and told why', async () => {
  const refused = await bootstrap(
    'run',
    'test/vms/boot-arguments.ts',
    inventory,
    ...limit,
    '--yes',
  );
  expect(refused.code, refused.stdout + refused.stderr).toBe(3);
  expect(refused.stdout).toMatch(/boot ?loader/i);
});
