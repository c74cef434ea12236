import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bootstrap, inventory, on, output } from '../machines.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-reviewed-'));
const plan = join(folder, 'plan.json');
const machines = ['lab-1', 'lab-2'];

/** What a session of the login user receives on its standard input is also kept in a file. */
const recorder = `#!/usr/bin/perl
exec '/bin/sh' unless defined $ENV{SSH_ORIGINAL_COMMAND};
pipe(my $from, my $to);
my $child = fork;
if (!$child) {
  open(STDIN, '<&', $from);
  close $to;
  exec '/bin/sh', '-c', $ENV{SSH_ORIGINAL_COMMAND};
}
close $from;
open(my $log, '>>', '/var/tmp/received');
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { waitpid($child, 0); exit($? & 127 ? 255 : $? >> 8) };
while (sysread(STDIN, my $bytes, 65536)) {
  syswrite($log, $bytes);
  syswrite($to, $bytes);
}
close $to;
sleep 1 while 1;
`;

const record = `umask 022
cat >/usr/local/bin/recorder <<'END'
${recorder}END
chmod 755 /usr/local/bin/recorder
install -m 666 /dev/null /var/tmp/received
echo 'ForceCommand /usr/local/bin/recorder' >/etc/ssh/sshd_config.d/recorder.conf
sshd -t && systemctl reload ssh`;

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await on('lab-2', 'rm -f /etc/ssh/sshd_config.d/recorder.conf; systemctl reload ssh');
});

describe('a plan that was reviewed', () => {
  test('is saved, and changes nothing', async () => {
    const saved = await bootstrap(
      'run',
      'test/vms/reviewed.ts',
      inventory,
      '--check',
      '--out',
      plan,
    );
    expect(saved.code, saved.stdout + saved.stderr).toBe(0);
    for (const machine of machines) expect((await on(machine, 'ls /etc/reviewed.*')).code).toBe(2);
  });

  test('is refused where somebody changed by hand what it would write over, and named', async () => {
    await output('lab-2', 'echo "by hand" >/etc/reviewed.conf');
    const refused = await bootstrap('apply', plan, '--yes');
    const said = refused.stdout + refused.stderr;
    expect(refused.code, said).toBe(1);
    expect(said).toMatch(/lab-2/);
    expect(said).toContain('/etc/reviewed.conf');
    expect((await on('lab-1', 'ls /etc/reviewed.*')).code).toBe(2);
    expect(await output('lab-2', 'cat /etc/reviewed.conf; ls /etc/reviewed.*')).toBe(
      'by hand\n/etc/reviewed.conf',
    );
  });

  test('is applied when that is undone, and sshd received the very scripts that stand in it', async () => {
    await output('lab-2', 'rm /etc/reviewed.conf');
    await output('lab-2', record);
    const applied = await bootstrap('apply', plan, '--yes');
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    for (const machine of machines) {
      expect(await output(machine, 'cat /etc/reviewed.conf /etc/reviewed.other')).toBe(
        `name = ${machine}\nreviewed = yes\nas it was asked`,
      );
      expect(await output(machine, 'sysctl -n kernel.printk_ratelimit')).toBe('7');
    }
    const received = await output('lab-2', 'cat /var/tmp/received');
    const file = JSON.parse(readFileSync(plan, 'utf8')) as {
      readonly texts: readonly string[];
      readonly steps: readonly {
        readonly id: string;
        readonly converge: { readonly code: number };
      }[];
    };
    expect(file.steps.map(({ id }) => id)).toContain('file /etc/reviewed.other');
    for (const { converge } of file.steps) {
      // It travels as one word in single quotes.
      const word = file.texts[converge.code]?.replaceAll("'", String.raw`'\''`);
      expect(received).toContain(`'${word}'`);
    }
  });

  test('is used up', async () => {
    const again = await bootstrap('apply', plan, '--yes');
    expect(again.code, again.stdout + again.stderr).toBe(1);
    expect(again.stdout + again.stderr).toMatch(/this plan was used already/);
  });
});
