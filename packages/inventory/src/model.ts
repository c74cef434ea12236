import type { SourcePosition } from '@skerry/diagnostics';
import type { KubernetesSettings } from './kubernetes/settings.ts';
import type { ConnectionSettings, LabSettings, NodeSettings } from './schema.ts';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Where a value came from: the position of the value in the file, and the level that gave it. */
export interface Origin {
  readonly at: SourcePosition | undefined;
  /** `default`, `cluster`, `group workers`, `host oslo-cp-1`. */
  readonly level: string;
}

/** A host with everything merged: cluster, then groups from outer to inner, then the host. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
  /** Outermost first; `all` is always the first. */
  readonly groups: readonly string[];
  readonly vars: Readonly<Record<string, Json>>;
  /** Name to token: `⟦secret:env:NAME⟧`. The value is put in when a script is sent. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly node: NodeSettings;
  readonly connection: ConnectionSettings;
  /** Dotted path (`vars.region`, `node.sysctl."net.core.somaxconn"`) to origin. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly at: SourcePosition;
}

export interface Group {
  readonly name: string;
  readonly parents: readonly string[];
  readonly children: readonly string[];
  /** Every host in it, through its children as well, in the order of the file. */
  readonly hosts: readonly string[];
  readonly roles: readonly string[];
}

export interface Inventory {
  /** The path as the user gave it. */
  readonly path: string;
  readonly cluster: { readonly name: string; readonly vars: Readonly<Record<string, Json>> };
  readonly groups: ReadonlyMap<string, Group>;
  /** In the order of the file. */
  readonly hosts: readonly Host[];
  readonly kubernetes: KubernetesSettings;
  /**
   * Where the parts of the `kubernetes` section stand: `''` for the section itself, then
   * `network.pods`, `loadBalancer.metallb.pools[0].addresses[1]`. A text or number is where it
   * stands, a map or list where its key does. Empty where the inventory has no such section.
   */
  readonly kubernetesPlaces: ReadonlyMap<string, SourcePosition>;
  /** The folder of the bundle, as the user wrote it: relative to the folder of the file. */
  readonly bundle?: string;
  /** What `lab up` makes, when this inventory describes machines that Skerry itself makes. */
  readonly lab: LabSettings | undefined;
}
