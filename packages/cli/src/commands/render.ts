import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { ExitCode } from '@skerry/diagnostics';
import { cachedFacts } from '@skerry/runbook';
import { createTemplates, folderTemplates } from '@skerry/templating';
import { hostNamed, openInventory, stateFolder } from '../inventory-file.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { sourceFolders, templateVariables } from '../templates.ts';

/**
 * `bootstrap render`: a template with the variables of a host, without asking the host: facts are
 * those of the last run, if there was one, and secrets are shown as their tokens.
 */
export async function render(
  template: string,
  path: string,
  options: OutputOptions & { readonly host: string },
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
  const text = templates.render(
    isFile ? basename(template) : template,
    templateVariables(inventory, host, facts),
  );
  if (output.settings.json) output.json({ type: 'rendered', host: host.name, template, text });
  else if (process.stdout.isTTY) output.print(output.shown(text).replace(/\n$/, ''));
  else process.stdout.write(output.concealed(text));
  return ExitCode.done;
}
