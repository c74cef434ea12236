import { DiagnosticError } from '@skerry/diagnostics';
import type { Runbook } from '@skerry/runbook';
import type { RunOptions } from './options.ts';

/** Refuses before any connection what the answer would be refused for. */
export function demandConsent(
  { name, consent }: Runbook,
  cluster: string,
  options: RunOptions,
): void {
  if (consent === undefined) return;
  if (options.cluster === cluster) return;
  if (options.cluster === undefined && options.yes !== true) return;
  throw new DiagnosticError({
    code: 'cluster-name',
    severity: 'error',
    what:
      options.cluster === undefined
        ? `${name} wants the name of the cluster, and --yes does not give it`
        : `the inventory is that of the cluster "${cluster}", and not of "${options.cluster}"`,
    why: 'what it does cannot be taken back',
    fix: `give it where you are sure: --cluster ${options.cluster === undefined ? cluster : 'NAME'}`,
  });
}
