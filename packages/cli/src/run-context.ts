import { dirname, resolve } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { createConnector, SecretBook, type Connector, type Endpoint } from '@skerry/executor';
import { resolveSecrets, type Host, type Inventory } from '@skerry/inventory';
import { askPassword } from './ask.ts';
import { endpointOf } from './endpoint.ts';
import { labFolder, openInventory, stateFolder } from './inventory-file.ts';
import type { ConnectOptions } from './options.ts';
import type { Output } from './output.ts';
import { concealInErrors } from './report-error.ts';

/** What every command needs that talks to hosts. */
export interface RunContext {
  readonly inventory: Inventory;
  readonly hosts: readonly Host[];
  readonly secrets: SecretBook;
  readonly connector: Connector;
  readonly endpointOf: (host: Host) => Endpoint;
  readonly stateFolder: string;
}

/**
 * Reads the inventory, resolves the secrets of the selected hosts (all of them, or those that
 * logging in needs) and asks for the sudo password: everything that can be wrong, or has to be asked,
 * before the first connection.
 */
export async function openRun(
  path: string,
  options: ConnectOptions,
  output: Output,
  only?: 'connection',
): Promise<RunContext> {
  const { inventory, hosts } = await openInventory(path, options.limit);
  const secrets = new SecretBook();
  output.conceal(secrets);
  concealInErrors((text) => secrets.conceal(text));
  const { values, warnings } = await resolveSecrets(
    inventory,
    hosts,
    only === undefined ? {} : { only },
  );
  for (const [token, value] of values) secrets.add(token, value);
  const askable = only === undefined ? controlPlanesBeside(inventory, hosts) : [];
  const loginsBeside = await loginSecrets(inventory, askable);
  for (const [token, value] of loginsBeside) secrets.add(token, value);
  if (only !== undefined) concealEnvironment(hosts, secrets);
  for (const warning of warnings) {
    output.complain(output.diagnosticText(warning));
  }
  const sudoPassword = await sudoPasswordFor([...hosts, ...askable], options, secrets);
  const folder = dirname(resolve(path));
  return {
    inventory,
    hosts,
    secrets,
    connector: createConnector({ secrets }),
    endpointOf: (host) =>
      endpointOf(host, {
        secretOf: (token) => values.get(token) ?? loginsBeside.get(token),
        sudoPassword,
        folder,
        agentSocket: process.env['SSH_AUTH_SOCK'],
        ...(inventory.lab === undefined ? {} : { lab: labFolder(inventory) }),
      }),
    stateFolder: stateFolder(inventory),
  };
}

/** Hosts that may be asked for a token when a selected one joins the cluster. */
function controlPlanesBeside(inventory: Inventory, hosts: readonly Host[]): readonly Host[] {
  if (inventory.kubernetes.version === undefined) return [];
  const selected = new Set(hosts.map(({ name }) => name));
  return inventory.hosts.filter(
    ({ name, roles }) => roles.includes('control-plane') && !selected.has(name),
  );
}

/**
 * What logging in to them takes. Most runs never ask them: what cannot be had is told when one is to
 * be asked, and not before.
 */
async function loginSecrets(
  inventory: Inventory,
  hosts: readonly Host[],
): Promise<ReadonlyMap<string, string>> {
  if (hosts.length === 0) return new Map();
  try {
    return (await resolveSecrets(inventory, hosts, { only: 'connection' })).values;
  } catch (error) {
    if (error instanceof DiagnosticError) return new Map();
    throw error;
  }
}

/**
 * Secrets of applications are not asked for where only the connection needs some; those that stand
 * in the environment anyway are concealed in what the hosts say.
 */
function concealEnvironment(hosts: readonly Host[], secrets: SecretBook): void {
  const tokens = new Set(hosts.flatMap((host) => Object.values(host.secrets)));
  for (const token of tokens) {
    const value = process.env[/^⟦secret:env:(.+)⟧$/.exec(token)?.[1] ?? ''];
    // Shorter ones are words that hosts say all day.
    if (value !== undefined && value.length >= 8) secrets.add(token, value);
  }
}

async function sudoPasswordFor(
  hosts: readonly Host[],
  options: ConnectOptions,
  secrets: SecretBook,
): Promise<string | undefined> {
  const wanted = hosts.some(
    ({ connection: { sudo } }) => typeof sudo === 'object' && sudo.password === 'ask',
  );
  if (options.askSudoPassword !== true && !wanted) return undefined;
  const password = await askPassword('sudo password');
  secrets.add('⟦secret:sudo-password⟧', password);
  return password;
}
