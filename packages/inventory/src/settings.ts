import { isAbsolute, join, resolve } from 'node:path';
import type { Place } from './findings.ts';
import { fromTree, leavesOf, merge, valueOf, valuesOf, type Merged } from './merge.ts';
import type { Host, Json, Origin } from './model.ts';
import {
  connectionSettings,
  nodeSettings,
  type ConnectionSettings,
  type NodeSettings,
} from './schema.ts';
import { secretToken } from './secret-token.ts';
import type { SourceText } from './source-text.ts';
import { entryOf, type YamlTree } from './yaml-tree.ts';

const sections = ['vars', 'secrets', 'node', 'connection'] as const;
type Section = (typeof sections)[number];

/** What one level, or several merged ones, say. */
export type Layer = Readonly<Partial<Record<Section, Merged>>>;

/** Settings of a host with nothing left open. */
export type Settled = Pick<Host, 'vars' | 'secrets' | 'node' | 'connection' | 'origins'>;

/** Where paths in the file start from. Both absolute. */
export interface Folders {
  readonly inventory: string;
  readonly home: string;
}

/** The layer of a cluster, a group or a host. Sections that are no maps are left out. */
export function layerOf(body: YamlTree | undefined, source: SourceText, level: string): Layer {
  const layer: Partial<Record<Section, Merged>> = {};
  for (const section of sections) {
    const tree = entryOf(body, section)?.value;
    if (tree?.kind === 'map') layer[section] = fromTree(tree, source, level);
  }
  return layer;
}

export function mergeLayers(lower: Layer, upper: Layer): Layer {
  const merged: Partial<Record<Section, Merged>> = { ...lower };
  for (const section of sections) {
    const value = upper[section];
    if (value !== undefined) merged[section] = merge(lower[section], value);
  }
  return merged;
}

/** A value of a layer before defaults: for what must be known while the file is still checked. */
export function rawSetting(layer: Layer, section: Section, key: string): Json | undefined {
  const merged = layer[section];
  const value = merged?.kind === 'map' ? merged.entries.get(key) : undefined;
  return value === undefined ? undefined : valueOf(value);
}

/** Puts in the defaults, makes paths absolute and references tokens, and notes every origin. */
export class Settler {
  readonly #folders: Folders;
  readonly #node = new WeakMap<Merged, NodeSettings>();
  readonly #connection = new WeakMap<Merged, ConnectionSettings>();

  constructor(folders: Folders) {
    this.#folders = folders;
  }

  settle(layer: Layer): Settled {
    const node = once(this.#node, layer.node, (raw) => nodeSettings.parse(raw));
    const connection = once(this.#connection, layer.connection, (raw) =>
      resolved(connectionSettings.parse(raw), this.#folders),
    );
    const secrets = Object.entries(rawSection(layer.secrets) as Record<string, string>);
    return {
      vars: rawSection(layer.vars),
      secrets: Object.fromEntries(secrets.map(([name, text]) => [name, secretToken(text)])),
      node,
      connection,
      origins: originsOf(layer, { node, connection } as unknown as Record<string, Json>),
    };
  }
}

/** Hosts that say nothing of a section share what their groups say of it: checked once. */
function once<Value>(
  known: WeakMap<Merged, Value>,
  merged: Merged = nothing,
  make: (raw: Json) => Value,
): Value {
  const value = known.get(merged) ?? make(valueOf(merged));
  known.set(merged, value);
  return value;
}

const nothing: Merged = {
  kind: 'map',
  entries: new Map(),
  origin: { at: undefined, level: 'default' },
};

function rawSection(merged: Merged = nothing): Record<string, Json> {
  return valueOf(merged) as Record<string, Json>;
}

function originsOf(layer: Layer, settled: Readonly<Record<string, Json>>): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const section of sections) {
    for (const [path, origin] of leavesOf(layer[section] ?? nothing, section)) {
      if (path !== section) origins.set(path, origin);
    }
  }
  for (const [section, value] of Object.entries(settled)) {
    for (const [path] of valuesOf(value, section)) {
      if (!origins.has(path)) origins.set(path, nothing.origin);
    }
  }
  return origins;
}

function resolved(connection: ConnectionSettings, folders: Folders): ConnectionSettings {
  const path = (text: string): string => absolutePath(text, folders);
  const { key, knownHosts, sshConfig, passphrase, password, sudo } = connection;
  const out: ConnectionSettings = { ...connection };
  if (key !== undefined) out.key = typeof key === 'string' ? path(key) : key.map(path);
  if (knownHosts !== undefined) out.knownHosts = knownHosts.map(path);
  if (typeof sshConfig === 'string') out.sshConfig = path(sshConfig);
  if (passphrase !== undefined) out.passphrase = secretToken(passphrase);
  if (password !== undefined) out.password = secretToken(password);
  if (typeof sudo === 'object' && sudo.password !== 'ask') {
    out.sudo = { password: secretToken(sudo.password) };
  }
  return out;
}

/** A path as the user wrote it, from the folder of the inventory; `~/` is the home folder. */
export function absolutePath(path: string, folders: Folders): string {
  if (path === '~') return folders.home;
  if (path.startsWith('~/')) return join(folders.home, path.slice(2));
  return isAbsolute(path) ? path : resolve(folders.inventory, path);
}

/** The roles that a body names, each with its place. */
export function rolesOf(body: YamlTree | undefined): readonly { name: string; place: Place }[] {
  const list = entryOf(body, 'roles')?.value;
  if (list?.kind !== 'list') return [];
  return list.items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string'
      ? [{ name: item.value, place: item }]
      : [],
  );
}
