import { readFileSync } from 'node:fs';
import { on, output } from '../machines.ts';

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

const begin = `umask 022
cat >/usr/local/bin/recorder <<'END'
${recorder}END
chmod 755 /usr/local/bin/recorder
install -m 666 /dev/null /var/tmp/received
echo 'ForceCommand /usr/local/bin/recorder' >/etc/ssh/sshd_config.d/recorder.conf
sshd -t && systemctl reload ssh`;

/** Gives what the sshd of a machine receives in its sessions while `work` runs. */
export async function receivedDuring(machine: string, work: () => Promise<void>): Promise<string> {
  await output(machine, begin);
  try {
    await work();
    return await output(machine, 'cat /var/tmp/received');
  } finally {
    await on(machine, 'rm -f /etc/ssh/sshd_config.d/recorder.conf; systemctl reload ssh');
  }
}

interface PlanFile {
  readonly texts: readonly string[];
  readonly hosts: readonly { readonly host: string; readonly plays: readonly number[] }[];
  readonly plays: readonly { readonly steps: readonly number[] }[];
  readonly steps: readonly { readonly id: string; readonly converge: { readonly code: number } }[];
}

/** The scripts of a saved plan for a machine, by the names of their steps, as they travel: one word in single quotes. */
export function scriptsFor(machine: string, plan: string): ReadonlyMap<string, string> {
  const file = JSON.parse(readFileSync(plan, 'utf8')) as PlanFile;
  const plays = file.hosts.find(({ host }) => host === machine)?.plays ?? [];
  const steps = plays.flatMap((play) => file.plays[play]?.steps ?? []);
  return new Map(
    steps.flatMap((index) => {
      const step = file.steps[index];
      const code = step === undefined ? undefined : file.texts[step.converge.code];
      if (step === undefined || code === undefined) return [];
      return [[step.id, `'${code.replaceAll("'", String.raw`'\''`)}'`] as const];
    }),
  );
}
