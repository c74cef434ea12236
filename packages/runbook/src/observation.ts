import type { HostState } from './host-state.ts';

/** What a run found out about a host before it changed anything: who it is, and how each step stood. */
export interface HostObservation {
  readonly host: string;
  /** `SHA256:…` of the host key, undefined for local execution. */
  readonly hostKey: string | undefined;
  /** /etc/machine-id */
  readonly machineId: string;
  /** Every step that was probed, converged ones too; `observed` as the step kind parsed it. */
  readonly steps: readonly { readonly step: string; readonly observed: unknown }[];
}

/** What is known of a host that was read; undefined where it could not be. */
export function observationOf(state: HostState): HostObservation | undefined {
  const { host, facts, plays, readings, link } = state;
  if (facts === undefined || plays === undefined || readings === undefined) return undefined;
  const names = plays.flatMap((play) => play.steps.map((step) => `${play.play} › ${step.id}`));
  return {
    host: host.name,
    hostKey: link.hostKey,
    machineId: facts.machineId,
    steps: names.map((step, index) => {
      const reading = readings[index];
      return {
        step,
        observed:
          reading !== undefined && 'changes' in reading ? reading.observed : 'cannot be read yet',
      };
    }),
  };
}
