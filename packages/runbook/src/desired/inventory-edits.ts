import { formatPosition, type SourcePosition } from '@skerry/diagnostics';
import { childPath, type Host, type Inventory } from '@skerry/inventory';

/** An inventory, seen from one of its hosts. */
export interface HostView {
  readonly inventory: Inventory;
  readonly host: Host;
}

/** One place in which two inventories differ for a host, and how to make just that difference. */
export interface InventoryEdit {
  /** `node.sysctl."net.core.somaxconn"`, `kubernetes.network.pods`, `hosts`. */
  readonly path: string;
  /** Whether it may change which hosts a play selects. */
  readonly moves: boolean;
  /** For a reader: where it stands and what it was and is. */
  readonly text: (before: HostView, after: HostView) => string;
  /** `base` with what `donor` has at this place. */
  readonly graft: (base: HostView, donor: HostView) => HostView;
}

/** Every edit that lies between two inventories, as far as this host can be concerned. */
export function inventoryEdits(before: HostView, after: HostView): InventoryEdit[] {
  return [
    ...hostSections.flatMap((section) =>
      [...differences([], before.host[section], after.host[section])].map((keys) =>
        hostEdit(section, keys),
      ),
    ),
    ...[...differences([], before.inventory.kubernetes, after.inventory.kubernetes)].map(
      kubernetesEdit,
    ),
    ...[...differences([], before.inventory.cluster, after.inventory.cluster)].map(clusterEdit),
    ...fleetEdits(before, after),
  ];
}

const hostSections = [
  'address',
  'roles',
  'groups',
  'vars',
  'secrets',
  'node',
  'connection',
] as const;
type Section = (typeof hostSections)[number];

/** Paths of the leaves that differ: scalars, lists, and maps that only one side has. */
function* differences(
  keys: readonly string[],
  before: unknown,
  after: unknown,
): Generator<readonly string[]> {
  if (before === after) return;
  if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* differences([...keys, key], before[key], after[key]);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) yield keys;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const pathOf = (keys: readonly string[]): string =>
  keys.reduce((path, key) => childPath(path, key), '');

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), value);
}

/** A copy of `value` with `entry` at a path; without the last key where it is undefined. */
function put(value: unknown, [key, ...rest]: readonly string[], entry: unknown): unknown {
  if (key === undefined) return entry;
  const map = isMap(value) ? value : {};
  const inner = put(map[key], rest, entry);
  const { [key]: _old, ...others } = map;
  return inner === undefined ? others : { ...map, [key]: inner };
}

function hostEdit(section: Section, keys: readonly string[]): InventoryEdit {
  const path = pathOf([section, ...keys]);
  return {
    path,
    moves: section === 'roles' || section === 'groups',
    text: (before, after) => {
      const was = at(before.host[section], keys);
      const is = at(after.host[section], keys);
      return `${placeOf(path, is === undefined ? before.host : after.host)}: ${path}: ${said(was)} → ${said(is)}`;
    },
    graft: (base, donor) => {
      const value = at(donor.host[section], keys);
      const host = { ...base.host, [section]: put(base.host[section], keys, value) } as Host;
      return withHost(base.inventory, host);
    },
  };
}

/** The closest place that is known: a list's for its items, the host's own for the rest. */
function placeOf(path: string, host: Host): string {
  const exact = host.origins.get(path);
  const below =
    exact ??
    [...host.origins].find(
      ([other]) => other.startsWith(`${path}.`) || path.startsWith(`${other}.`),
    )?.[1];
  if (below === undefined) return `${formatPosition(host.at)} (host ${host.name})`;
  const where = below.at === undefined ? '' : `${formatPosition(below.at)} `;
  return below.at === undefined ? `the default` : `${where}(${below.level})`;
}

function withHost(inventory: Inventory, host: Host): HostView {
  const hosts = inventory.hosts.map((one) => (one.name === host.name ? host : one));
  return { host, inventory: { ...inventory, hosts } };
}

function kubernetesEdit(keys: readonly string[]): InventoryEdit {
  const path = pathOf(['kubernetes', ...keys]);
  return {
    path,
    moves: false,
    text: (before, after) => {
      const was = at(before.inventory.kubernetes, keys);
      const is = at(after.inventory.kubernetes, keys);
      const place = kubernetesPlace((is === undefined ? before : after).inventory, keys);
      return `${place}${path}: ${said(was)} → ${said(is)}`;
    },
    graft: (base, donor) => ({
      ...base,
      inventory: {
        ...base.inventory,
        kubernetes: put(
          base.inventory.kubernetes,
          keys,
          at(donor.inventory.kubernetes, keys),
        ) as Inventory['kubernetes'],
      },
    }),
  };
}

function kubernetesPlace(inventory: Inventory, keys: readonly string[]): string {
  const { kubernetesPlaces: places } = inventory;
  let found: SourcePosition | undefined = places.get('');
  for (let length = 1; length <= keys.length; length++) {
    found = places.get(keys.slice(0, length).join('.')) ?? found;
  }
  return found === undefined ? '' : `${formatPosition(found)}: `;
}

function clusterEdit(keys: readonly string[]): InventoryEdit {
  const path = pathOf(['cluster', ...keys]);
  return {
    path,
    moves: false,
    text: (before, after) => {
      const [was, is] = [at(before.inventory.cluster, keys), at(after.inventory.cluster, keys)];
      return `${after.inventory.path}: ${path}: ${said(was)} → ${said(is)}`;
    },
    graft: (base, donor) => ({
      ...base,
      inventory: {
        ...base.inventory,
        cluster: put(
          base.inventory.cluster,
          keys,
          at(donor.inventory.cluster, keys),
        ) as Inventory['cluster'],
      },
    }),
  };
}

const mostNames = 8;

/** Other hosts that came, went or changed: what rules that look at the whole fleet see. */
function fleetEdits(before: HostView, after: HostView): InventoryEdit[] {
  const change = fleetChange(before.inventory, after.inventory);
  if (change === undefined) return [];
  return [
    {
      path: 'hosts',
      moves: true,
      text: () => change,
      graft: (base, donor) => ({
        host: base.host,
        inventory: {
          ...base.inventory,
          groups: donor.inventory.groups,
          hosts: donor.inventory.hosts.map((one) =>
            one.name === base.host.name ? base.host : one,
          ),
        },
      }),
    },
  ];
}

const fleetChanges = new WeakMap<Inventory, WeakMap<Inventory, { readonly text?: string }>>();

/** Told once for two inventories, not once for each of their hosts. */
function fleetChange(before: Inventory, after: Inventory): string | undefined {
  const known = fleetChanges.get(before)?.get(after);
  if (known !== undefined) return known.text;
  const was = new Map(before.hosts.map((host) => [host.name, host]));
  const is = new Map(after.hosts.map((host) => [host.name, host]));
  const added = after.hosts.filter(({ name }) => !was.has(name));
  const removed = before.hosts.filter(({ name }) => !is.has(name));
  const others = after.hosts.filter((host) => {
    const other = was.get(host.name);
    return other !== undefined && identity(other) !== identity(host);
  });
  const listed = (word: string, hosts: readonly Host[]): string[] => {
    if (hosts.length === 0) return [];
    const names = hosts
      .slice(0, mostNames)
      .map(({ name, at }) => `${name} (${formatPosition(at)})`);
    const more = hosts.length > mostNames ? ` and ${hosts.length - mostNames} more` : '';
    return [`${word} ${names.join(', ')}${more}`];
  };
  const parts = [
    ...listed('added', added),
    ...listed('removed', removed),
    ...listed('changed address, roles or groups of', others),
  ];
  const result = parts.length === 0 ? {} : { text: `hosts of the inventory: ${parts.join('; ')}` };
  const inner = fleetChanges.get(before) ?? new WeakMap<Inventory, { readonly text?: string }>();
  fleetChanges.set(before, inner.set(after, result));
  return result.text;
}

const identity = ({ address, roles, groups }: Host): string =>
  JSON.stringify([address, roles, groups]);

function said(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
