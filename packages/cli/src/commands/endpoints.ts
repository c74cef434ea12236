import { ExitCode, formatPosition } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { contactsOf, isAllowed, packageSets, type Contact, type Unsaid } from '@skerry/kubernetes';
import { openInventory } from '../inventory-file.ts';
import { knownFacts } from '../known-facts.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings, type Colors } from '../output.ts';
import { counted, hostNames } from '../render/host-names.ts';

export interface EndpointsOptions extends OutputOptions {
  readonly bundle?: string;
  readonly creating?: boolean;
}

/** A contact, and what the allow-list says of it: undefined where there is none. */
type Judged = Contact & { readonly allowed: boolean | undefined };

/**
 * `bootstrap endpoints`: every host that Skerry and the cluster will contact, with the reason; exits
 * with 1 where the inventory has an allow-list and one of them is not on it.
 */
export async function endpoints(path: string, options: EndpointsOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { inventory } = await openInventory(path, undefined);
  const { contacts, unsaid } = contactsOf(inventory, {
    bundle: options.bundle !== undefined || hasBundle(inventory),
    creating: options.creating === true,
    distributions: options.creating === true ? await distributionsOf(inventory) : [],
  });
  const allow = inventory.kubernetes.egress?.allow;
  const judged = contacts.map((contact): Judged => {
    return { ...contact, allowed: allow === undefined ? undefined : isAllowed(contact, allow) };
  });
  const refused = judged.filter(({ allowed }) => allowed === false);
  const exitCode = refused.length > 0 ? ExitCode.error : ExitCode.done;
  if (output.settings.json) {
    output.json({
      type: 'endpoints',
      path,
      allowed: allow === undefined ? null : refused.length === 0,
      endpoints: judged.map(({ at, allowed, ...contact }) => ({
        ...contact,
        ...(at === undefined ? {} : { at: formatPosition(at) }),
        allowed: allowed ?? null,
      })),
      unsaid: unsaid.map(({ what }) => what),
    });
    return exitCode;
  }
  output.print(listText(output.shown(judged), output.colors));
  output.print(unsaidText(output.shown(unsaid), output.colors));
  output.print(verdict(path, judged, output.colors));
  return exitCode;
}

const hasBundle = ({ bundle, lab }: Inventory): boolean =>
  bundle !== undefined || lab?.bundle !== undefined;

/** Those of the hosts that a run has read already, whose packages bundle create fetches. */
async function distributionsOf(inventory: Inventory): Promise<string[]> {
  const known = await knownFacts(inventory);
  return packageSets(inventory, known, []).map(({ distribution }) => distribution);
}

/** Grouped by who contacts and why: the nodes of a fleet stand in one line. */
function listText(judged: readonly Judged[], colors: Colors): string {
  const groups = new Map<string, Judged[]>();
  const order = ['operator', 'jump host', 'nodes', 'control planes'];
  const sorted = judged.toSorted(
    (one, other) => order.indexOf(one.from) - order.indexOf(other.from),
  );
  for (const contact of sorted) {
    const { from, reason, port, protocol, allowed } = contact;
    const said = reason.startsWith('SSH to ') ? 'SSH' : reason;
    const key = JSON.stringify([from, said, port, protocol, allowed]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [contact]);
    else group.push(contact);
  }
  const lines: string[] = [];
  let who = '';
  for (const [key, group] of groups) {
    const [from = '', reason = ''] = JSON.parse(key) as string[];
    if (from !== who) lines.push(...(who === '' ? [] : ['']), colors.bold(`From the ${from}`));
    who = from;
    lines.push(groupText(reason, group, colors));
  }
  return lines.join('\n');
}

function groupText(reason: string, group: readonly Judged[], colors: Colors): string {
  const [first] = group;
  if (first === undefined) return '';
  const { port, protocol, allowed, at } = first;
  const sign = allowed === undefined ? ' ' : allowed ? colors.green('✓') : colors.red('✗');
  const where = at === undefined ? 'by default' : formatPosition(at);
  const more = group.length > 1 ? ` and ${group.length - 1} more` : '';
  const target = `${protocol}${port === 0 ? '' : ` ${port}`}`;
  const hosts = hostNames(group.map(({ host }) => host));
  return `${sign} ${hosts}  ${target}  ${reason}  ${colors.dim(`${where}${more}`)}`;
}

function unsaidText(unsaid: readonly Unsaid[], colors: Colors): string {
  return [
    '',
    colors.bold('What an inventory does not tell'),
    ...unsaid.map(({ what }) => `  ${what}`),
    '',
  ].join('\n');
}

function verdict(path: string, judged: readonly Judged[], colors: Colors): string {
  const refused = judged.filter(({ allowed }) => allowed === false);
  const count = counted(judged.length, 'endpoint');
  if (judged.every(({ allowed }) => allowed === undefined)) {
    return `${count}. ${path} has no "kubernetes: {egress: {allow: […]}}" to compare them with.`;
  }
  if (refused.length === 0) return colors.green(`${count}, each of them allowed.`);
  const hosts = [...new Set(refused.map(({ host }) => host))];
  return colors.red(
    `${counted(refused.length, 'endpoint')} of ${judged.length} not allowed: ${hosts.join(', ')}\nAdd them to "egress.allow", or name mirrors that are allowed (docs/endpoints.md).`,
  );
}
