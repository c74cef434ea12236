import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { checkAddresses } from './address-checks.ts';
import type { Candidate } from './candidate.ts';
import { inventoryFile } from './file-schema.ts';
import { Findings } from './findings.ts';
import { collectGroups, lineage, type GroupDraft } from './groups.ts';
import { collectHosts, type HostDraft } from './hosts.ts';
import { issueDiagnostics } from './issues.ts';
import { checkLab } from './lab-checks.ts';
import { childPath, valueOf } from './merge.ts';
import type { Group, Host, Inventory, Json, Origin } from './model.ts';
import { placesOf } from './kubernetes/places.ts';
import { kubernetesSettings } from './kubernetes/settings.ts';
import { labSettings } from './schema.ts';
import {
  layerOf,
  mergeLayers,
  rawSetting,
  rolesOf,
  Settler,
  type Folders,
  type Layer,
  type Settled,
} from './settings.ts';
import { SourceText } from './source-text.ts';
import { entryOf, parseYaml, plainValue, type YamlTree } from './yaml-tree.ts';

export interface ParseOptions {
  /** Where relative paths in the file start; default: the folder of `path`. */
  readonly folder?: string;
  /** What `~` stands for; default: the home folder of the user. */
  readonly home?: string;
}

/**
 * The inventory in a text. `path` is only named in positions, nothing is read.
 * Throws one DiagnosticError with everything that is wrong, in the order of the file.
 */
export function parseInventory(text: string, path: string, options: ParseOptions = {}): Inventory {
  const source = new SourceText(path, text);
  const findings = new Findings(source);
  const { tree, diagnostics } = parseYaml(source);
  findings.addAll(diagnostics);
  if (tree === undefined) {
    if (diagnostics.length === 0) {
      findings.add({ start: 0, end: 1 }, 'file-empty', `${path} is empty`, {
        why: text.trim() === '' ? 'there is nothing in it' : 'there is nothing in it but comments',
        fix: 'start with "cluster: {name: …}" and "groups:"; inventory/lab.yaml is a short example',
      });
    }
    throw new DiagnosticError(findings.all());
  }
  const checked = inventoryFile.safeParse(plainValue(tree));
  if (!checked.success) findings.addAll(issueDiagnostics(checked.error.issues, tree, source));
  const folders: Folders = {
    inventory: options.folder ?? dirname(resolve(path)),
    home: options.home ?? homedir(),
  };
  return new Assembly(tree, findings, folders).inventory();
}

class Assembly {
  readonly #tree: YamlTree;
  readonly #findings: Findings;
  readonly #settler: Settler;
  readonly #layers = new Map<string, Layer>();

  constructor(tree: YamlTree, findings: Findings, folders: Folders) {
    this.#tree = tree;
    this.#findings = findings;
    this.#settler = new Settler(folders);
  }

  inventory(): Inventory {
    const groups = collectGroups(this.#tree, this.#findings);
    const drafts = collectHosts(groups, this.#findings);
    const candidates = [...drafts.values()].map((draft) => this.#candidate(draft, groups));
    checkAddresses(candidates, this.#findings);
    checkLab(entryOf(this.#tree, 'lab')?.value, candidates, this.#findings);
    const place = entryOf(this.#tree, 'groups')?.key ?? { start: 0, end: 1 };
    if (drafts.size === 0 && this.#findings.all().length === 0) {
      this.#findings.add(place, 'no-hosts', 'the inventory has no hosts', {
        why: 'no group has a host in it',
        fix: 'write "groups: {workers: {hosts: {node-01: {address: 10.0.0.1}}}}"',
      });
    }
    const found = this.#findings.all();
    if (found.length > 0) throw new DiagnosticError(found);
    const cluster = this.#layer('cluster', entryOf(this.#tree, 'cluster')?.value, 'cluster');
    const vars = cluster.vars === undefined ? {} : valueOf(cluster.vars);
    const lab = entryOf(this.#tree, 'lab')?.value;
    const kubernetes = entryOf(this.#tree, 'kubernetes');
    const bundle = entryOf(this.#tree, 'bundle')?.value;
    const hosts = this.#hosts(candidates);
    return {
      path: this.#findings.source.file,
      cluster: { name: this.#clusterName(), vars: vars as Record<string, Json> },
      groups: groupsOf(groups, hosts),
      hosts,
      kubernetes: kubernetesSettings.parse(
        kubernetes?.value.kind === 'map' ? plainValue(kubernetes.value) : {},
      ),
      kubernetesPlaces: placesOf(kubernetes, this.#findings.source),
      ...(bundle?.kind === 'scalar' && typeof bundle.value === 'string'
        ? { bundle: bundle.value }
        : {}),
      lab: lab?.kind === 'map' ? labSettings.parse(plainValue(lab)) : undefined,
    };
  }

  #clusterName(): string {
    const name = entryOf(entryOf(this.#tree, 'cluster')?.value, 'name')?.value;
    return name?.kind === 'scalar' ? String(name.value) : '';
  }

  #layer(key: string, body: YamlTree | undefined, level: string): Layer {
    const known = this.#layers.get(key);
    if (known !== undefined) return known;
    const layer = layerOf(body, this.#findings.source, level);
    this.#layers.set(key, layer);
    return layer;
  }

  /** Cluster and groups merged, once for all hosts in the same groups. */
  #chain(groups: readonly GroupDraft[]): { key: string; layer: Layer } {
    let key = 'cluster';
    let layer = this.#layer(key, entryOf(this.#tree, 'cluster')?.value, 'cluster');
    for (const group of groups) {
      key += ` ${group.name}`;
      const known = this.#layers.get(key);
      if (known === undefined) {
        const own = layerOf(group.body, this.#findings.source, `group ${group.name}`);
        layer = mergeLayers(layer, own);
        this.#layers.set(key, layer);
      } else layer = known;
    }
    return { key, layer };
  }

  #candidate(draft: HostDraft, all: ReadonlyMap<string, GroupDraft>): Candidate {
    const groups = lineage(all, draft.groups);
    const chain = this.#chain(groups);
    const level = `host ${draft.name}`;
    const own = layerOf(draft.body, this.#findings.source, level);
    const shared = Object.keys(own).length === 0;
    const layer = shared ? chain.layer : mergeLayers(chain.layer, own);
    const local = rawSetting(layer, 'connection', 'transport') === 'local';
    const given = draft.address;
    return {
      draft,
      groups,
      layer,
      key: shared ? chain.key : undefined,
      address: {
        value: given?.value ?? (local ? 'localhost' : draft.name),
        origin: {
          at: given === undefined ? undefined : this.#position(given.place),
          level: given === undefined ? 'default' : level,
        },
      },
    };
  }

  #position(place: { start: number; end: number }) {
    return this.#findings.source.at(place.start, place.end);
  }

  #hosts(candidates: readonly Candidate[]): Host[] {
    const settled = new Map<string, Settled>();
    return candidates.map(({ draft, groups, layer, key, address }) => {
      const known = key === undefined ? undefined : settled.get(key);
      const settings = known ?? this.#settler.settle(layer);
      if (key !== undefined) settled.set(key, settings);
      const origins = new Map(settings.origins).set('address', address.origin);
      const roles = this.#roles(draft, groups, origins);
      return {
        ...settings,
        name: draft.name,
        address: address.value,
        roles,
        groups: ['all', ...groups.map((group) => group.name)],
        origins,
        at: this.#position(draft.place),
      };
    });
  }

  #roles(draft: HostDraft, groups: readonly GroupDraft[], origins: Map<string, Origin>): string[] {
    const roles = new Set<string>();
    const levels = [
      ...groups.map((group) => ({ body: group.body, level: `group ${group.name}` })),
      { body: draft.body, level: `host ${draft.name}` },
    ];
    for (const { body, level } of levels) {
      for (const { name, place } of rolesOf(body)) {
        if (roles.has(name)) continue;
        roles.add(name);
        origins.set(childPath('roles', name), { at: this.#position(place), level });
      }
    }
    return [...roles];
  }
}

function groupsOf(
  drafts: ReadonlyMap<string, GroupDraft>,
  hosts: readonly Host[],
): ReadonlyMap<string, Group> {
  const members = new Map<string, string[]>();
  for (const host of hosts) {
    for (const group of host.groups) {
      const known = members.get(group);
      if (known === undefined) members.set(group, [host.name]);
      else known.push(host.name);
    }
  }
  const groups = new Map<string, Group>();
  const top = [...drafts.values()].filter((draft) => draft.parents.length === 0);
  groups.set('all', {
    name: 'all',
    parents: [],
    children: top.map((draft) => draft.name),
    hosts: members.get('all') ?? [],
    roles: [],
  });
  for (const draft of drafts.values()) {
    const roles = lineage(drafts, [draft.name]).flatMap(({ body }) => rolesOf(body));
    groups.set(draft.name, {
      name: draft.name,
      parents: draft.parents.length === 0 ? ['all'] : draft.parents,
      children: draft.children,
      hosts: members.get(draft.name) ?? [],
      roles: [...new Set(roles.map((role) => role.name))],
    });
  }
  return groups;
}
