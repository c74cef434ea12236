import { ExitCode } from '@skerry/diagnostics';
import { describeHost, describeTree, type DescribedHost, type TreeGroup } from '@skerry/inventory';
import { openInventory } from '../inventory-file.ts';
import type { OutputOptions, SelectOptions } from '../options.ts';
import { Output, outputSettings, type Colors } from '../output.ts';
import { counted } from '../render/host-names.ts';

/** `bootstrap inventory`: what the file says, without any host. */
export async function inventory(
  path: string,
  options: OutputOptions & SelectOptions & { readonly host?: string; readonly check?: boolean },
): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { colors, settings } = output;
  const opened = await openInventory(path, options.limit);
  if (options.host !== undefined) {
    const host = describeHost(opened.inventory, options.host);
    if (settings.json) output.json({ type: 'inventory-host', host });
    else output.print(hostText(output.shown(host), colors, settings.verbose));
    return ExitCode.done;
  }
  const chosen = new Set(opened.hosts.map(({ name }) => name));
  const tree = describeTree(opened.inventory);
  const root = options.limit === undefined ? tree.root : pruned(tree.root, chosen);
  if (settings.json) {
    output.json({ type: 'inventory', inventory: { ...tree, root } });
  } else if (options.check === true) {
    const groups = [...opened.inventory.groups.keys()].filter((name) => name !== 'all').length;
    output.print(
      `${path} is well-formed: ${counted(opened.inventory.hosts.length, 'host')} in ${counted(groups, 'group')}.`,
    );
  } else {
    const { cluster, roles } = output.shown(tree);
    output.print(
      [
        `${colors.bold(cluster)}  ${colors.dim(path)}`,
        ...groupLines(output.shown(root), '', colors),
        '',
        `${counted(chosen.size, 'host')}${rolesText(roles)}`,
      ].join('\n'),
    );
  }
  return ExitCode.done;
}

function rolesText(roles: Readonly<Record<string, number>>): string {
  const parts = Object.entries(roles).map(([role, count]) => `${role} ${count}`);
  return parts.length === 0 ? '' : `; roles: ${parts.join(', ')}`;
}

/** The groups with a chosen host in them, with the chosen hosts only. */
function pruned(group: TreeGroup, chosen: ReadonlySet<string>): TreeGroup {
  const hosts = group.hosts.filter(({ name }) => chosen.has(name));
  const groups = group.groups
    .map((child) => pruned(child, chosen))
    .filter((child) => child.hosts.length + child.groups.length > 0);
  return { ...group, hosts, groups };
}

function groupLines(group: TreeGroup, lead: string, colors: Colors): readonly string[] {
  const widest = Math.max(0, ...group.hosts.map(({ name }) => name.length));
  const entries = [
    ...group.hosts.map(({ name, address, roles }) => ({
      title: `${name.padEnd(widest)}  ${colors.dim(address)}${rolesOf(roles, colors)}`,
      below: undefined,
    })),
    ...group.groups.map((child) => ({
      title: `${colors.cyan(child.name)}  ${colors.dim(counted(child.total, 'host'))}${rolesOf(child.roles, colors)}`,
      below: child,
    })),
  ];
  return entries.flatMap(({ title, below }, index) => {
    const last = index === entries.length - 1;
    const line = `${lead}${last ? '└─ ' : '├─ '}${title}`;
    if (below === undefined) return [line];
    return [line, ...groupLines(below, `${lead}${last ? '   ' : '│  '}`, colors)];
  });
}

function rolesOf(roles: readonly string[], colors: Colors): string {
  return roles.length === 0 ? '' : `  ${colors.magenta(roles.join(', '))}`;
}

/** Every merged value with where it came from; defaults only with `--verbose`. */
function hostText(host: DescribedHost, colors: Colors, verbose: boolean): string {
  const values = host.values.filter(({ position }) => verbose || position !== undefined);
  const rows = values.map(({ path, value, level, position }) => ({
    path,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    origin: position === undefined ? level : `${position}  ${level}`,
  }));
  const widestPath = Math.max(0, ...rows.map(({ path }) => path.length));
  const widestValue = Math.min(50, Math.max(0, ...rows.map(({ value }) => value.length)));
  const left = host.values.length - values.length;
  return [
    `${colors.bold(host.name)}  ${host.address}  ${colors.dim(host.groups.join(' › '))}`,
    ...rows.map(({ path, value, origin }) =>
      `  ${path.padEnd(widestPath)}  ${value.replaceAll('\n', '⏎').padEnd(widestValue)}  ${colors.dim(origin)}`.trimEnd(),
    ),
    ...(left > 0 ? [colors.dim(`  and ${counted(left, 'default')}, which --verbose shows`)] : []),
  ].join('\n');
}
