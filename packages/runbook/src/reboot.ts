import { setTimeout as sleep } from 'node:timers/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { sh } from '@skerry/steps';
import type { ApplyContext } from './apply-host.ts';
import { HostFailure } from './host-link.ts';
import { toPart } from './parts.ts';

/** Milliseconds between two attempts to reach a host that is rebooting. */
const pause = 2000;

/**
 * Waits until the host answers with another boot id (/proc/sys/kernel/random/boot_id, new for each
 * boot: random(4)). Throws a HostFailure when `seconds` have gone by.
 */
export async function awaitReboot(
  context: ApplyContext,
  become: boolean,
  reboot: { bootId: string; seconds: number; step: string },
): Promise<void> {
  const { link, emit, signal } = context;
  emit({
    type: 'waiting',
    host: link.host,
    step: reboot.step,
    awaited: 'a new boot id',
    deadline: reboot.seconds,
  });
  const end = performance.now() + reboot.seconds * 1000;
  const probe = toPart(sh('cat /proc/sys/kernel/random/boot_id'), context.secrets);
  let last = 'it never answered';
  while (performance.now() < end) {
    await link.disconnect();
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    try {
      const result = await link.run(become, [probe], { deadline: 30_000, signal });
      const now = result.parts[0]?.stdout.trim() ?? '';
      if (result.outcome === 'exited' && now !== '' && now !== reboot.bootId) return;
      last = now === reboot.bootId ? 'it still runs the old boot' : 'it gave no boot id';
    } catch (error) {
      if (!(error instanceof DiagnosticError) && !(error instanceof HostFailure)) throw error;
      last = error.message;
    }
  }
  if (signal.aborted) {
    throw new HostFailure('unknown', {
      code: 'reboot-interrupted',
      what: 'the run was interrupted while this host rebooted',
      step: reboot.step,
      why: last,
      fix: 'run apply again when the host answers: it goes on where this one stopped',
    });
  }
  throw new HostFailure('unknown', {
    code: 'reboot-timeout',
    what: `no new boot id within ${reboot.seconds} s`,
    step: reboot.step,
    why: last,
    fix: 'look at the console of the machine; then run apply again',
  });
}
