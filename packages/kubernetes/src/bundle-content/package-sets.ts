import type { Host, Inventory } from '@skerry/inventory';
import { hostPackages, type PackageFacts } from '../node-packages.ts';
import { goArchitecture } from '../programs.ts';

/** Packages of one distribution for one architecture that nodes are to have. */
export interface PackageSet {
  /** `debian-13` */
  readonly distribution: string;
  /** `amd64` */
  readonly architecture: string;
  /** Of the packages that are asked for; what they need comes with them. In order, once each. */
  readonly names: readonly string[];
}

/** What is known of a host that has been read. */
export type KnownHost = PackageFacts & {
  readonly distribution: string;
  readonly version: string;
  /** `uname -m` */
  readonly architecture: string;
};

/**
 * The packages that the runbooks install on the hosts of an inventory, by distribution. A host that
 * nobody has read is taken to be any of `assumed`. Hosts of other families than Debian's have none:
 * nothing can collect their packages. Pure.
 */
export function packageSets(
  inventory: Inventory,
  known: ReadonlyMap<string, KnownHost>,
  assumed: readonly { readonly distribution: string; readonly architecture: string }[],
): PackageSet[] {
  const sets = new Map<
    string,
    { distribution: string; architecture: string; names: Set<string> }
  >();
  const add = (
    host: Host,
    distribution: string,
    architecture: string,
    facts: PackageFacts,
  ): void => {
    const key = `${distribution} ${architecture}`;
    const set = sets.get(key) ?? { distribution, architecture, names: new Set() };
    sets.set(key, set);
    const { tools, runtime, endpoint } = hostPackages(inventory, host, facts);
    for (const name of [...tools, ...runtime, ...endpoint]) set.names.add(name);
  };
  for (const host of inventory.hosts) {
    const facts = known.get(host.name);
    if (facts === undefined) {
      const fresh = { family: 'debian', timeDaemon: '' } as const;
      for (const one of assumed) add(host, one.distribution, one.architecture, fresh);
    } else if (facts.family === 'debian') {
      const { distribution, version, architecture } = facts;
      add(host, `${distribution}-${version}`, goArchitecture(architecture), facts);
    }
  }
  return [...sets.values()]
    .map(({ names, ...set }) => ({ ...set, names: [...names].toSorted() }))
    .toSorted((a, b) =>
      `${a.distribution} ${a.architecture}` < `${b.distribution} ${b.architecture}` ? -1 : 1,
    );
}
