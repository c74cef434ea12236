import {
  DiagnosticError,
  didYouMean,
  formatPosition,
  type SourcePosition,
} from '@skerry/diagnostics';
import { childPath, valuesOf } from './merge.ts';
import type { Host, Inventory, Json } from './model.ts';

export interface TreeHost {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
}

export interface TreeGroup {
  readonly name: string;
  readonly roles: readonly string[];
  /** Those that are in no group below; a host in two groups stands in both. */
  readonly hosts: readonly TreeHost[];
  readonly groups: readonly TreeGroup[];
  /** How many hosts there are in it and below. */
  readonly total: number;
}

export interface Tree {
  readonly cluster: string;
  readonly path: string;
  /** The group `all`. */
  readonly root: TreeGroup;
  /** Every role with how many hosts have it. */
  readonly roles: Readonly<Record<string, number>>;
}

/** Groups, hosts and roles as a tree. A group with two parents stands below both. */
export function describeTree(inventory: Inventory): Tree {
  const hosts = new Map(inventory.hosts.map((host) => [host.name, host]));
  const describe = (name: string): TreeGroup => {
    const group = inventory.groups.get(name);
    const children = group?.children ?? [];
    const below = new Set(children.flatMap((child) => inventory.groups.get(child)?.hosts ?? []));
    const own = (group?.hosts ?? []).filter((host) => !below.has(host));
    return {
      name,
      roles: group?.roles ?? [],
      hosts: own.flatMap((host) => {
        const found = hosts.get(host);
        if (found === undefined) return [];
        return [{ name: found.name, address: found.address, roles: found.roles }];
      }),
      groups: children.map(describe),
      total: group?.hosts.length ?? 0,
    };
  };
  const roles: Record<string, number> = {};
  for (const role of inventory.hosts.flatMap((host) => host.roles)) {
    roles[role] = (roles[role] ?? 0) + 1;
  }
  return { cluster: inventory.cluster.name, path: inventory.path, root: describe('all'), roles };
}

/** One merged value and where it comes from. */
export interface DescribedValue {
  /** `vars.region`, `node.sysctl."net.core.somaxconn"`, `roles.worker`. */
  readonly path: string;
  /** Scalars, lists, empty maps; for a secret its token; for a role its name. */
  readonly value: Json;
  /** `default`, `cluster`, `group workers`, `host node-01`. */
  readonly level: string;
  readonly at: SourcePosition | undefined;
  /** `inventory/oslo.yaml:12:7`, or undefined for a default. */
  readonly position: string | undefined;
}

export interface DescribedHost {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly at: SourcePosition;
  /** In the order address, roles, vars, secrets, node, connection. */
  readonly values: readonly DescribedValue[];
}

/** One host with every merged value and its origin. Throws a DiagnosticError for an unknown name. */
export function describeHost(inventory: Inventory, hostName: string): DescribedHost {
  const host = inventory.hosts.find(({ name }) => name === hostName);
  if (host === undefined) {
    const names = inventory.hosts.map(({ name }) => name);
    throw new DiagnosticError({
      code: 'unknown-host',
      severity: 'error',
      what: `there is no host "${hostName}" in ${inventory.path}`,
      fix: didYouMean(hostName, names) ?? '`bootstrap inventory` shows groups and hosts',
    });
  }
  const { name, address, roles, groups, at } = host;
  return { name, address, roles, groups, at, values: [...describedValues(host)] };
}

function* describedValues(host: Host): Generator<DescribedValue> {
  const describe = (path: string, value: Json): DescribedValue => {
    const origin = host.origins.get(path);
    const at = origin?.at;
    const position = at === undefined ? undefined : formatPosition(at);
    return { path, value, level: origin?.level ?? 'default', at, position };
  };
  yield describe('address', host.address);
  for (const role of host.roles) yield describe(childPath('roles', role), role);
  for (const section of ['vars', 'secrets', 'node', 'connection'] as const) {
    for (const [path, value] of valuesOf(host[section] as unknown as Json, section)) {
      if (path !== section) yield describe(path, value);
    }
  }
}
