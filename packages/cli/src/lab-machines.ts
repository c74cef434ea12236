import { spawn } from 'node:child_process';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { createLab, type Lab } from '@skerry/lab';
import { canAsk, confirm } from './ask.ts';
import { bundleFolder } from './bundle-folder.ts';
import { labFolder } from './inventory-file.ts';
import type { Output } from './output.ts';
import { insideLab } from './reach-lab.ts';
import { LabView } from './render/lab-view.ts';

interface LabRequest {
  readonly yes?: boolean;
  readonly signal?: AbortSignal;
}

/** The lab of the hosts of an inventory; what it does is shown by `view`. */
export function labOf(
  inventory: Inventory,
  request: LabRequest,
  output: Output,
): { readonly lab: Lab; readonly view: LabView } {
  const settings = inventory.lab;
  if (settings === undefined) {
    throw new DiagnosticError({
      code: 'no-lab',
      severity: 'error',
      what: `${inventory.path} has no lab section`,
      why: 'only machines that Skerry itself makes can be started, entered or deleted here',
      fix: 'use inventory/lab.yaml, or add "lab: {}" to an inventory of addresses in 192.168.121.0/24',
    });
  }
  const view = new LabView(output);
  const lab = createLab({
    folder: labFolder(inventory),
    settings,
    machines: inventory.hosts.map(({ name, address }) => ({
      name,
      address,
      cpus: settings.machines[name]?.cpus,
      memory: settings.machines[name]?.memory,
      disks: settings.machines[name]?.disks ?? [],
    })),
    bundle: async () => {
      // What the script that makes it tells goes to the terminal directly.
      view.pause();
      try {
        return await bundleFolder(inventory, undefined, request);
      } finally {
        view.resume();
      }
    },
    onEvent: (event) => view.event(event),
    confirm: async (question) => {
      if (request.yes === true) return true;
      if (!canAsk()) return false;
      view.pause();
      const yes = await confirm(question, request.signal);
      view.resume();
      return yes;
    },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  return { lab, view };
}

/**
 * Starts the machines of the lab, with `start`, and where they can only be reached from within the
 * lab's own network, runs this very command again in there. Gives the exit code of that, or
 * undefined where this process can go on.
 */
export async function enterLab(
  inventory: Inventory,
  request: LabRequest & { readonly start: boolean },
  output: Output,
): Promise<number | undefined> {
  const { lab, view } = labOf(inventory, request, output);
  try {
    if (request.start) await lab.up();
  } finally {
    view.close();
  }
  const [program, ...words] = await lab.enter();
  if (program === undefined) return undefined;
  return await passOn(program, [
    ...words,
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]);
}

/** Runs a program on this terminal; its Ctrl-C is its own affair. Gives its exit code. */
export async function passOn(program: string, words: readonly string[]): Promise<number> {
  const child = spawn(program, words, {
    stdio: 'inherit',
    env: { ...process.env, [insideLab]: '1' },
  });
  // A terminal sends SIGINT to both; the child decides what to do about it.
  const ignore = (): void => undefined;
  const forward = (): void => {
    child.kill('SIGTERM');
  };
  process.on('SIGINT', ignore);
  process.on('SIGTERM', forward);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
    return await promise;
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', forward);
  }
}
