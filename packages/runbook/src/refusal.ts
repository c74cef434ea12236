import type { Change } from '@skerry/steps';
import { HostFailure } from './host-link.ts';

/** A change that is never applied, and the step that shows it. */
export interface Refusal {
  readonly play: string;
  readonly step: string;
  readonly change: Change;
}

/** The failure of a host that is left alone: every refusal with its own reason, every fix once. */
export function refusalFailure(refusals: readonly [Refusal, ...Refusal[]]): HostFailure {
  const [{ play, step, change }] = refusals;
  if (refusals.length === 1) {
    return new HostFailure('refused', {
      code: 'refused',
      what: `"${step}" refuses this host: ${change.subject}`,
      step: `${play} › ${step}`,
      ...(change.why === undefined ? {} : { why: change.why }),
      ...(change.fix === undefined ? {} : { fix: change.fix }),
    });
  }
  const fixes = new Set(refusals.flatMap((refusal) => refusal.change.fix ?? []));
  const steps = new Set(refusals.map((refusal) => `${refusal.play} › ${refusal.step}`));
  const only = steps.size === 1 ? [...steps][0] : undefined;
  return new HostFailure('refused', {
    code: 'refused',
    what: refusals.map(lineOf).join('\n'),
    ...(only === undefined ? {} : { step: only }),
    ...(fixes.size === 0 ? {} : { fix: [...fixes].join('\n') }),
  });
}

function lineOf({ step, change: { subject, why } }: Refusal): string {
  return why === undefined ? `${step}: ${subject}` : `${step}: ${subject} — ${why}`;
}
