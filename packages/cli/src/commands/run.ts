import { ExitCode, type Diagnostic } from '@skerry/diagnostics';
import { clusterVerification } from '@skerry/kubernetes';
import {
  isEmpty,
  loadRunbook,
  run as runEngine,
  type Facts,
  type Plan,
  type RunEvent,
  type SavedPlan,
} from '@skerry/runbook';
import { bundleOf } from '../bundle-folder.ts';
import { demandConsent } from '../consent.ts';
import { canAsk, confirm, confirmName, nobodyToAsk } from '../ask.ts';
import { runbookFile, runbookFiles } from '../installation.ts';
import { isAboutDrift, keepJournal, refuseDriftOptions, tellDrift } from '../drift/tell-drift.ts';
import { onInterrupt } from '../interrupt.ts';
import type { RunOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { chooseRenderer } from '../render/choose.ts';
import { counted } from '../render/host-names.ts';
import { openInventory } from '../inventory-file.ts';
import { withSecrets } from '../plan-file/open.ts';
import { openPolicy, type PlacedVerdict } from '../policy/open-policy.ts';
import { verdictText } from '../policy/verdict-text.ts';
import { savePlan } from '../plan-file/save.ts';
import { reachLab } from '../reach-lab.ts';
import { openRun } from '../run-context.ts';
import { RunLog } from '../run-log.ts';
import { demandSound, hostFindings } from '../sound-inventory.ts';
import { templatesFor } from '../templates.ts';

export interface RunCommand {
  readonly mode: 'plan' | 'apply';
  /** A name in runbooks/, or a path. */
  readonly runbook: string;
  readonly inventory: string;
  readonly options: RunOptions;
  /** A saved plan, which is applied as it stands or refused. */
  readonly saved?: SavedPlan;
}

/** `plan`, `apply` and `run`. */
export async function run(command: RunCommand): Promise<ExitCode> {
  const { mode, options } = command;
  refuseDriftOptions(mode, options);
  const driftOnly = options.refreshOnly === true;
  const quiet = options.format === 'markdown' || options.format === 'json';
  const output = new Output(outputSettings(quiet ? { ...options, json: true } : options));
  const file = runbookFile(command.runbook, command.inventory);
  const runbook = await loadRunbook(file, runbookFiles(command.runbook, command.inventory));
  const { inventory } = await openInventory(command.inventory, options.limit);
  demandSound(inventory, output);
  if (mode === 'apply') demandConsent(runbook, inventory.cluster.name, options);
  const policy = await openPolicy(options, inventory);
  const renderer = chooseRenderer(output);
  using interrupt = onInterrupt((text) => renderer.line(text), { changing: mode === 'apply' });
  // Before the lab is entered: inside its network there may be no way out to fetch anything.
  const bundle = await bundleOf(inventory, options.bundle, options);
  const request = { ...options, signal: interrupt.signal, start: true };
  const ended = await reachLab(inventory, request, output);
  if (ended !== undefined) return ended as ExitCode;
  const context = await openRun(command.inventory, options, output);
  const saved = command.saved === undefined ? undefined : await withSecrets(command.saved, context);
  using log = new RunLog(context.stateFolder, runbook.name, (warning) => {
    renderer.line(output.diagnosticText(warning));
  });
  let cancelled: 'by-answer' | 'nobody' | 'denied' | undefined;
  const emit = (event: RunEvent): void => {
    log.write(output.concealed(event));
    if (driftOnly && (options.format === 'markdown' || !isAboutDrift(event))) return;
    renderer.event(options.json === true ? event : output.shown(event));
  };
  const isDenied = (plan: Plan, applyAt?: Date): boolean => {
    const verdict = policy?.judge(plan, applyAt);
    if (verdict === undefined) return false;
    tellVerdict(verdict, output, (text) => renderer.line(text));
    return verdict.verdict === 'denied';
  };
  const approve = async (plan: Plan): Promise<boolean> => {
    if (isDenied(plan, new Date())) {
      cancelled = 'denied';
      return false;
    }
    if (options.yes === true) return true;
    const { name } = inventory.cluster;
    if (runbook.consent !== undefined && options.cluster === name) return true;
    if (!canAsk()) {
      cancelled = 'nobody';
      return false;
    }
    renderer.pause();
    const yes =
      runbook.consent === undefined
        ? await confirm(question(plan), interrupt.signal)
        : await confirmName(question(plan), name, interrupt.signal);
    renderer.resume();
    if (!yes) cancelled = 'by-answer';
    return yes;
  };
  const examine = (facts: ReadonlyMap<string, Facts>): Diagnostic[] => {
    const found = hostFindings(inventory, facts);
    const errors = found.some(({ severity }) => severity === 'error');
    if (!errors) for (const warning of found) renderer.line(output.diagnosticText(warning));
    return found;
  };
  const verification = looksAtCluster(runbook.name, options)
    ? clusterVerification(context.inventory)
    : undefined;
  try {
    const engine = {
      inventory: context.inventory,
      forks: options.forks,
      connector: context.connector,
      endpointOf: context.endpointOf,
      secrets: context.secrets,
      templates: templatesFor(context.inventory, file, bundle),
      ...(bundle === undefined ? {} : { bundle }),
      stateFolder: context.stateFolder,
      signal: interrupt.signal,
      kill: interrupt.kill,
      emit,
      approve,
    };
    const outcome = await runEngine({
      ...engine,
      mode,
      runbook,
      ...(runbook.consent === undefined ? { examine } : {}),
      hosts: context.hosts,
      ...(options.tags === undefined ? {} : { tags: options.tags }),
      ...(saved === undefined ? {} : { saved }),
      ...(verification === undefined ? {} : { verification }),
    });
    if (mode === 'apply') await keepJournal(outcome, context, options);
    if (driftOnly) {
      return await tellDrift(outcome, context, options, output, (earlier) =>
        runEngine({ ...engine, ...earlier, mode }),
      );
    }
    if (mode === 'plan' && options.out !== undefined) {
      await savePlan(options.out, outcome, { context, runbook: file, options });
      renderer.line(`Saved to ${options.out}. Apply exactly this: bootstrap apply ${options.out}`);
    }
    const denied = mode === 'plan' ? isDenied(outcome.plan) : cancelled === 'denied';
    if (denied && outcome.exitCode === ExitCode.done) return ExitCode.denied;
    if (cancelled === 'nobody') {
      throw nobodyToAsk('your consent to this plan', 'look at the plan, then run apply with --yes');
    }
    if (cancelled === 'by-answer' && outcome.exitCode === ExitCode.done) {
      renderer.line('Cancelled: nothing was changed.');
      return ExitCode.error;
    }
    const pending = mode === 'plan' && outcome.exitCode === ExitCode.done && !isEmpty(outcome.plan);
    return pending && options.detailedExitcode === true
      ? ExitCode.changesPending
      : outcome.exitCode;
  } finally {
    renderer.close();
    await context.connector.close();
  }
}

function tellVerdict(verdict: PlacedVerdict, output: Output, line: (text: string) => void): void {
  if (output.settings.json) output.json({ type: 'policy', ...verdict });
  else line(verdictText(output.shown(verdict), output));
}

/** Only a runbook that brings the whole cluster about leaves one that can be looked at. */
function looksAtCluster(runbook: string, { tags }: RunOptions): boolean {
  return tags === undefined && (runbook === 'cluster' || runbook === 'kubernetes');
}

/** `Apply these 14 changes to 3 hosts?` */
function question(plan: Plan): string {
  const changing = plan.hosts.filter(({ plays }) =>
    plays.some(({ steps, handlers }) => steps.length + handlers.length > 0),
  );
  const changes = changing.flatMap(({ plays }) =>
    plays.flatMap(({ steps }) => steps.flatMap((step) => step.changes)),
  ).length;
  return `Apply these ${counted(changes, 'change')} to ${counted(changing.length, 'host')}?`;
}
