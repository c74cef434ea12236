import { expect, test } from 'vitest';
import { bootstrap, inventory, on, output, outputs } from '../machines.ts';

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

  const found = await outputs('lab-2', {
    hostname: 'hostname; cat /etc/hostname',
    modes: 'stat -c "%a %U:%G" /srv/kinds /srv/kinds/odd',
    gone: 'ls /srv/kinds/pwned /srv/gone 2>&1',
    arguments: 'cat /srv/kinds/args',
    motd: 'cat /etc/motd',
    user: 'id deploy',
    keys: 'stat -c "%a %U" ~deploy/.ssh ~deploy/.ssh/authorized_keys',
    modules: 'lsmod',
    panic: 'sysctl -n kernel.panic',
    held: 'apt-mark showhold; tree --version',
    masked: 'systemctl is-enabled apt-daily.timer',
  });
  expect(found.hostname).toBe('lab-2b\nlab-2b');
  expect(found.modes).toBe('750 root:root\n600 root:root');
  expect(found.gone).toMatch(/status 2$/);
  expect(found.arguments).toBe("it's\n$HOME");
  expect(found.motd).toContain('Managed.');
  expect(found.user).toMatch(/uid=4242\(deploy\).*\(adm\)/);
  expect(found.keys).toBe('700 deploy\n600 deploy');
  expect(found.modules).toMatch(/^dummy\b/m);
  expect(found.panic).toBe('10');
  expect(found.held).toMatch(/^tree\ntree v/);
  expect(found.masked).toMatch(/^masked/);
  expect((await on('lab-2', 'cat /srv/kinds/link')).stdout).toBe(
    `quotes ' " \` $(touch /srv/kinds/pwned)\n\ttab, ünïcödé 日本, no newline at the end`,
  );

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
  expect(refused.stdout).toMatch(/booted directly/);
});
