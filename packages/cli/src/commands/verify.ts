import { writeFile } from 'node:fs/promises';
import { DiagnosticError, type ExitCode } from '@skerry/diagnostics';
import { clusterVerification } from '@skerry/kubernetes';
import { verifyCluster, type RunEvent } from '@skerry/runbook';
import { openInventory } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import type { ConnectOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { chooseRenderer } from '../render/choose.ts';
import { checksJunit } from '../render/saved/checks-junit.ts';
import { reachLab } from '../reach-lab.ts';
import { openRun } from '../run-context.ts';
import { RunLog } from '../run-log.ts';

export interface VerifyOptions extends ConnectOptions {
  /** Where a report for CI goes. */
  readonly junit?: string;
}

/** `bootstrap verify`: looks at the cluster, not at the files. */
export async function verify(path: string, options: VerifyOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { inventory: file } = await openInventory(path, options.limit);
  if (clusterVerification(file) === undefined) throw noCluster(path);
  const renderer = chooseRenderer(output);
  using interrupt = onInterrupt((text) => renderer.line(text));
  try {
    const ended = await reachLab(file, { ...options, start: false }, output);
    if (ended !== undefined) return ended as ExitCode;
    const context = await openRun(path, options, output, 'connection');
    using log = new RunLog(context.stateFolder, 'verify', (warning) => {
      renderer.line(output.diagnosticText(warning));
    });
    const emit = (event: RunEvent): void => {
      log.write(output.concealed(event));
      renderer.event(options.json === true ? event : output.shown(event));
    };
    const verification = clusterVerification(context.inventory);
    if (verification === undefined) throw noCluster(path);
    const started = new Date();
    try {
      const outcome = await verifyCluster({
        ...context,
        verification,
        forks: options.forks,
        signal: interrupt.signal,
        emit,
      });
      if (options.junit !== undefined) {
        const milliseconds = Date.now() - started.getTime();
        const { name } = context.inventory.cluster;
        const reports = output.concealed(outcome.reports);
        await save(options.junit, checksJunit(name, reports, { started, milliseconds }));
      }
      return outcome.exitCode;
    } finally {
      await context.connector.close();
    }
  } finally {
    renderer.close();
  }
}

function noCluster(path: string): DiagnosticError {
  return new DiagnosticError({
    code: 'no-cluster',
    severity: 'error',
    what: `${path} describes no cluster that could be looked at`,
    why: 'it names no version of Kubernetes, or no host with the role control-plane',
    fix: 'write "kubernetes: {version: …}", and bring the cluster up with apply',
  });
}

async function save(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new DiagnosticError({
      code: 'junit-unwritable',
      severity: 'error',
      what: `the report could not be written to ${file}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'give --junit a file in a folder that is there and can be written to',
    });
  }
}
