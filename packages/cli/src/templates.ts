import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isUtf8 } from 'node:buffer';
import { bundledTexts, type OpenBundle } from '@skerry/bundle';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import type { Facts } from '@skerry/runbook';
import type { FileContent, ResolveContext } from '@skerry/steps';
import { createTemplates, folderTemplates } from '@skerry/templating';
import { installation } from './installation.ts';

/**
 * Folders that a user's `templates/NAME` and `files/NAME` are looked for in: beside the runbook,
 * above it, the working folder, then what comes with Skerry.
 */
export function sourceFolders(runbook: string | undefined): readonly string[] {
  const beside = runbook === undefined ? [] : [dirname(resolve(runbook))];
  return [
    ...new Set([
      ...beside,
      ...beside.map((folder) => dirname(folder)),
      process.cwd(),
      installation,
    ]),
  ];
}

/** Reads `files/NAME` (or a path of that form) as text, or as base64 where it is no UTF-8 text. */
function readSource(name: string, folders: readonly string[]): FileContent {
  const candidates = isAbsolute(name)
    ? [name]
    : folders.flatMap((folder) => [join(folder, name), join(folder, 'files', name)]);
  for (const path of candidates) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) continue;
      throw error;
    }
    return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') };
  }
  throw new DiagnosticError({
    code: 'source-missing',
    severity: 'error',
    what: `there is no file ${name}`,
    why: `looked for ${candidates.join(', ')}`,
    fix: 'put it into files/ beside the folder of the runbook',
  });
}

/**
 * What templates and files a runbook sees. Templates are looked for in `templates/` of the folders,
 * and see `templateVariables` and what the step adds.
 */
export function templatesFor(
  inventory: Inventory,
  runbook: string,
  bundle?: OpenBundle,
): (host: Host, facts: Facts) => ResolveContext {
  const bundled = bundledTexts(bundle, {
    kubernetes: inventory.kubernetes.version ?? '',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  });
  const folders = sourceFolders(runbook);
  const templates = createTemplates(
    folderTemplates(folders.map((folder) => join(folder, 'templates'))),
  );
  return (host, facts) => {
    const variables = templateVariables(inventory, host, facts);
    return {
      render: (template, extra) => templates.render(template, { ...variables, ...extra }),
      source: (name) => readSource(name, folders),
      ...bundled,
    };
  };
}

/**
 * The names that a template can use: every variable of the host by its own name, and `vars`,
 * `secrets` (as tokens), `node`, `host`, `cluster`, `inventory`, `facts`.
 */
export function templateVariables(
  inventory: Inventory,
  host: Host,
  facts: Facts | undefined,
): Readonly<Record<string, unknown>> {
  const { name, address, roles, groups, vars, secrets, node } = host;
  return {
    ...vars,
    vars,
    secrets,
    node,
    host: { name, address, roles, groups },
    cluster: { name: inventory.cluster.name, vars: inventory.cluster.vars },
    inventory: inventoryVariables(inventory),
    ...(facts === undefined ? {} : { facts }),
  };
}

const listings = new WeakMap<Inventory, Readonly<Record<string, unknown>>>();

/** The same for every host, and as long as the fleet: made once. */
function inventoryVariables(inventory: Inventory): Readonly<Record<string, unknown>> {
  const made = listings.get(inventory) ?? {
    hosts: inventory.hosts.map(({ name, address, roles, groups }) => ({
      name,
      address,
      roles,
      groups,
    })),
    groups: Object.fromEntries([...inventory.groups].map(([group, { hosts }]) => [group, hosts])),
  };
  listings.set(inventory, made);
  return made;
}
