import { Command, Option } from 'commander';
import { toolVersion } from './installation.ts';
import type { CreateCommandOptions } from './commands/bundle.ts';
import type { ApplyPlanOptions } from './commands/apply-plan.ts';
import type { DiffOptions } from './commands/diff.ts';
import type { EndpointsOptions } from './commands/endpoints.ts';
import type { ExplainOptions } from './commands/explain.ts';
import type { ShowOptions } from './commands/show.ts';
import type { RenderOptions } from './commands/render.ts';
import type { VerifyOptions } from './commands/verify.ts';
import {
  diffFormats,
  driftFormats,
  list,
  seconds,
  showFormats,
  variable,
  withConnection,
  withLimit,
  withOutput,
  withPolicy,
  withRun,
  type ConnectOptions,
  type OutputOptions,
  type RunOptions,
} from './options.ts';

const exitCodes = `
Exit codes: 0 done, or nothing to do · 1 error · 2 changes pending (--detailed-exitcode)
3 some hosts failed · 4 outcome unknown · 6 locked · 7 denied by a policy. More: docs/cli.md

Examples:
  bootstrap apply inventory/lab.yaml          local machines, made and prepared
  bootstrap plan inventory/oslo.yaml -l workers
  bootstrap inventory inventory/oslo.yaml --host oslo-cp-1
  bootstrap exec inventory/oslo.yaml -- uptime`;

/**
 * The commands and their options. A command's code is loaded when it runs: `--help` must answer
 * about as fast as Node starts.
 */
export function createProgram(exit: (code: number) => void): Command {
  const program = new Command('bootstrap')
    .description(
      'Bare-metal and KVM machines to a tuned Kubernetes cluster, from one inventory file',
    )
    .version(toolVersion(), '-V, --version', 'print the version')
    .addHelpText('after', exitCodes)
    .exitOverride()
    .showHelpAfterError('(see bootstrap --help)')
    .showSuggestionAfterError(true);

  const add = (name: string, description: string, parent: Command = program): Command =>
    parent
      .command(name)
      .description(description)
      .showHelpAfterError(`(see ${nameOf(parent)} ${name} --help)`);

  withRun(add('plan', 'show what apply would change; changes nothing'))
    .argument('<inventory>', 'inventory file')
    .option('-o, --out <file>', 'save the plan: apply FILE does exactly this (docs/review.md)')
    .option('--refresh-only', 'only what drifted since the last apply, and who made it')
    .addOption(new Option('--format <format>', 'of --refresh-only').choices(driftFormats))
    .action(async (inventory: string, options: RunOptions) => {
      const { run } = await import('./commands/run.ts');
      exit(await run({ mode: 'plan', runbook: 'cluster', inventory, options }));
    });

  withRun(add('apply', 'show the plan, ask, apply it and verify'))
    .argument('<inventory>', 'inventory file, or a plan that was saved with plan --out')
    .option('--dry-run', 'only plan')
    .option('--check', 'only plan')
    .option('--max-age <time>', 'of a saved plan: 90s, 30m, 7d; by default 24h', seconds)
    .option('--inventory <file>', 'of a saved plan: where its inventory lies here')
    .action(async (inventory: string, options: ApplyPlanOptions) => {
      const { isPlanFile } = await import('./plan-file/open.ts');
      const { applyPlan, refusePlanOptions } = await import('./commands/apply-plan.ts');
      if (await isPlanFile(inventory)) {
        exit(await applyPlan(inventory, options));
        return;
      }
      refusePlanOptions(inventory, options);
      const { run } = await import('./commands/run.ts');
      exit(await run({ mode: modeOf(options), runbook: 'cluster', inventory, options }));
    });

  withRun(add('run', 'apply one runbook'))
    .argument('<runbook>', 'a name in runbooks/, or the path of a file of your own')
    .argument('<inventory>', 'inventory file')
    .option('--dry-run', 'only plan')
    .option('--check', 'only plan')
    .option('-o, --out <file>', 'with --dry-run: save the plan')
    .option('--refresh-only', 'with --dry-run: only what drifted since the last apply')
    .addOption(new Option('--format <format>', 'of --refresh-only').choices(driftFormats))
    .action(async (runbook: string, inventory: string, options: RunOptions) => {
      const { run } = await import('./commands/run.ts');
      exit(await run({ mode: modeOf(options), runbook, inventory, options }));
    });

  withPolicy(
    withOutput(add('show', 'a saved plan for a reader: pull request, browser, CI; offline')),
  )
    .argument('<plan>', 'file of plan --out')
    .addOption(new Option('--format <format>', 'for which reader').choices(showFormats))
    .option('--link <url>', 'markdown: where the whole can be seen when it has to be cut')
    .option('--inventory <file>', 'for a policy that names groups: the inventory of the plan')
    .action(async (plan: string, options: ShowOptions) => {
      const { show } = await import('./commands/show.ts');
      exit(await show(plan, options));
    });

  withOutput(withLimit(add('diff', 'what two revisions ask for differently, offline')))
    .argument('<inventory>', 'inventory file, in a git repository')
    .option('--from <revision>', 'default: where the branch left the default branch')
    .option('--to <revision>', 'default: the working tree')
    .option('--runbook <runbook>', 'a name in runbooks/, or the path of a file', 'cluster')
    .option('-t, --tags <tags>', 'only plays and steps with one of these tags', list)
    .option('--detailed-exitcode', 'differences exit with 2')
    .addOption(new Option('--format <format>', 'for which reader').choices(diffFormats))
    .option('--link <url>', 'markdown: where the whole can be seen when it has to be cut')
    .action(async (inventory: string, options: DiffOptions) => {
      const { diff } = await import('./commands/diff.ts');
      exit(await diff(inventory, options));
    });

  withConnection(add('verify', 'look at the cluster: nodes, network, policies, certificates'))
    .argument('<inventory>', 'inventory file')
    .option('--junit <file>', 'write a report for CI as well')
    .action(async (inventory: string, options: VerifyOptions) => {
      const { verify } = await import('./commands/verify.ts');
      exit(await verify(inventory, options));
    });

  withOutput(add('explain', 'where each value of a step comes from, offline'))
    .argument('<inventory>', 'inventory file')
    .argument('<host>', 'a host of it')
    .argument('<step>', "as a plan names it: 'sysctl kubernetes'")
    .option('--runbook <runbook>', 'a name in runbooks/, or the path of a file', 'cluster')
    .action(async (inventory: string, host: string, step: string, options: ExplainOptions) => {
      const { explain } = await import('./commands/explain.ts');
      exit(await explain(inventory, host, step, options));
    });

  withConnection(add('facts', 'what the hosts are: system, hardware, network'))
    .argument('<inventory>', 'inventory file')
    .action(async (inventory: string, options: ConnectOptions) => {
      const { facts } = await import('./commands/facts.ts');
      exit(await facts(inventory, options));
    });

  withOutput(withLimit(add('inventory', 'the tree of groups and hosts, offline')))
    .argument('<inventory>', 'inventory file')
    .option('--host <name>', 'the merged variables of one host, each with where it came from')
    .option('--check', 'only check the file')
    .action(
      async (
        inventory: string,
        options: OutputOptions & { host?: string; check?: boolean; limit?: string },
      ) => {
        const { inventory: show } = await import('./commands/inventory.ts');
        exit(await show(inventory, options));
      },
    );

  withOutput(add('check', 'what in an inventory does not fit together, offline'))
    .argument('[inventory]', 'inventory file')
    .option('--list', 'every rule, with its reason, its fix and its source')
    .option('--no-facts', 'only the inventory, without what the last run read of the hosts')
    .action(
      async (
        inventory: string | undefined,
        options: OutputOptions & { list?: boolean; facts: boolean },
      ) => {
        const { check } = await import('./commands/check.ts');
        exit(await check(inventory, options));
      },
    );

  withOutput(add('render', 'print a template as it would be written on a host, offline'))
    .argument('<template>', 'a name in templates/, or the path of a file of your own')
    .argument('<inventory>', 'inventory file')
    .requiredOption('--host <name>', 'the host whose variables are used')
    .option('--var <name=value>', 'what the step gives with vars; JSON where it is', variable)
    .action(async (template: string, inventory: string, options: RenderOptions) => {
      const { render } = await import('./commands/render.ts');
      exit(await render(template, inventory, options));
    });

  withConnection(add('exec', 'run a command on the selected hosts'))
    .argument('<inventory>', 'inventory file')
    .argument('<command...>', 'after --; one word is read by sh, several are run as they are')
    .option('-b, --become', 'as root, by way of sudo')
    .option('--deadline <seconds>', 'give up on a host after this long', Number, 600)
    .action(
      async (
        inventory: string,
        command: readonly string[],
        options: ConnectOptions & { become?: boolean; deadline: number },
      ) => {
        const { exec } = await import('./commands/exec.ts');
        exit(await exec(inventory, command, options));
      },
    );

  withOutput(
    add('endpoints', 'every host that will be contacted, compared to an allow-list, offline'),
  )
    .argument('<inventory>', 'inventory file')
    .option('--bundle <dir>', 'as if applied with this bundle')
    .option('--creating', 'also what bundle create contacts')
    .action(async (inventory: string, options: EndpointsOptions) => {
      const { endpoints } = await import('./commands/endpoints.ts');
      exit(await endpoints(inventory, options));
    });

  const bundle = add('bundle', 'offline artifacts: programs, images, charts, each with its digest');
  const bundleCommand = (name: string, description: string): Command =>
    withOutput(add(name, description, bundle));
  bundleCommand('create', 'fetch all that a cluster needs; again, only what is missing')
    .argument('<inventory>', 'inventory file')
    .requiredOption('-o, --out <dir>', 'folder of the bundle')
    .option('--architecture <names>', 'of the nodes: amd64, arm64, or both with a comma', list)
    .option('--distribution <names>', 'of nodes that no run has read yet: debian-13', list)
    .action(async (inventory: string, options: CreateCommandOptions) => {
      const commands = await import('./commands/bundle.ts');
      exit(await commands.create(inventory, options));
    });
  bundleCommand('verify', 'compare every artifact of a bundle with its digest')
    .argument('<dir>', 'folder with bundle.json')
    .action(async (folder: string, options: OutputOptions) => {
      const commands = await import('./commands/bundle.ts');
      exit(await commands.verify(folder, options));
    });

  const lab = add('lab', 'local virtual machines to try things on');
  const labCommand = (name: string, description: string): Command =>
    withOutput(add(name, description, lab))
      .argument('[inventory]', 'inventory file with a lab section', 'inventory/lab.yaml')
      .option('-y, --yes', 'answer every question with yes');
  for (const [name, description] of [
    ['up', 'make and start the machines'],
    ['status', 'say which machines run'],
    ['destroy', 'stop the machines and delete them'],
  ] as const) {
    labCommand(name, description).action(
      async (inventory: string, options: OutputOptions & { yes?: boolean }) => {
        const commands = await import('./commands/lab.ts');
        exit(await commands.lab(name, inventory, options));
      },
    );
  }
  labCommand('ssh', 'open a shell on a machine')
    .option('--host <name>', 'which machine; the first one by default')
    .action(
      async (inventory: string, options: OutputOptions & { yes?: boolean; host?: string }) => {
        const commands = await import('./commands/lab.ts');
        exit(await commands.lab('ssh', inventory, options));
      },
    );

  add('completion', 'print a completion script: source <(bootstrap completion bash)')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const { completion } = await import('./commands/completion.ts');
      exit(completion(shell));
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      const { complete } = await import('./commands/complete.ts');
      exit(await complete(program, words));
    });

  return program;
}

/** `bootstrap lab`: a command with those above it. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function modeOf(options: RunOptions): 'plan' | 'apply' {
  return options.dryRun === true || options.check === true ? 'plan' : 'apply';
}
