import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { DiagnosticError, ExitCode, type Diagnostic } from '@skerry/diagnostics';
import { cachedFacts } from '@skerry/runbook';
import { createTemplates, folderTemplates } from '@skerry/templating';
import { hostNamed, openInventory, stateFolder } from '../inventory-file.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { sourceFolders, templateVariables } from '../templates.ts';

export interface RenderOptions extends OutputOptions {
  readonly host: string;
  /** By name: what a step would give the template with `vars`. */
  readonly var?: Readonly<Record<string, unknown>>;
}

/**
 * `bootstrap render`: a template with the variables of a host, without asking the host: facts are
 * those of the last run, if there was one, and secrets are shown as their tokens.
 */
export async function render(
  template: string,
  path: string,
  options: RenderOptions,
): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { inventory } = await openInventory(path, undefined);
  const host = hostNamed(inventory, options.host);
  const facts = await cachedFacts(stateFolder(inventory), host.name);
  const folders = sourceFolders(undefined).map((folder) => `${folder}/templates`);
  const isFile = existsSync(template) && statSync(template).isFile();
  const templates = createTemplates(
    folderTemplates(isFile ? [dirname(resolve(template)), ...folders] : folders),
  );
  const variables = { ...templateVariables(inventory, host, facts), ...options.var };
  const text = withAdvice(
    () => templates.render(isFile ? basename(template) : template, variables),
    `bootstrap facts ${path} --limit ${host.name}`,
    facts !== undefined,
  );
  if (output.settings.json) output.json({ type: 'rendered', host: host.name, template, text });
  else if (process.stdout.isTTY) output.print(output.shown(text).replace(/\n$/, ''));
  else process.stdout.write(output.concealed(text));
  return ExitCode.done;
}

/** What is missing here, and is not in a run: facts before the first one, and `vars` of the step. */
function withAdvice(render: () => string, readFacts: string, hasFacts: boolean): string {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    throw new DiagnosticError(
      error.diagnostics.map((diagnostic): Diagnostic => {
        const { code, what, fix } = diagnostic;
        const name = /"([^".]+)[^"]*"/.exec(what)?.[1];
        if (code !== 'template-missing-variable' || name === undefined) return diagnostic;
        if (name === 'facts' && !hasFacts) {
          return {
            ...diagnostic,
            why: 'there are no facts yet',
            fix: `run \`${readFacts}\` first`,
          };
        }
        const vars = `give here what its step gives with vars: --var ${name}=VALUE`;
        return { ...diagnostic, fix: fix === undefined ? vars : `${fix}; or ${vars}` };
      }),
    );
  }
}
