import type { SourcePosition } from '@skerry/diagnostics';
import type { Host, Inventory, KubernetesSettings } from '@skerry/inventory';

/** What the rules look at of a host's facts; `Facts` of the runbook package has all of it. */
export interface NodeFacts {
  /** `uname -r`. */
  readonly kernel: string;
  readonly cgroup: 1 | 2;
  /** `systemd-detect-virt`. */
  readonly virtualization: string;
  readonly interfaces: readonly {
    readonly name: string;
    /** Bytes. */
    readonly mtu: number;
    /** With prefix length: `10.20.0.11/24`. */
    readonly addresses: readonly string[];
  }[];
  /** The version of the containerd that is there already, '' where there is none. */
  readonly containerd?: string;
  /** The version of the kubelet that is there already, '' where there is none. */
  readonly kubernetes?: { readonly kubelet: string };
}

/** What a rule sees. */
export interface Subject {
  readonly inventory: Inventory;
  readonly kubernetes: KubernetesSettings;
  readonly controlPlanes: readonly Host[];
  /** Of the hosts whose facts are known; may be empty. */
  readonly facts: ReadonlyMap<string, NodeFacts>;
  /** YYYY-MM-DD. */
  readonly today: string;
}

/** One place where a rule is broken. */
export interface Breach {
  readonly what: string;
  /**
   * A path below `kubernetes` (`network.pods`, '' for the section), a position of its own, or a host
   * whose facts break the rule: `what` names it, and its line in the inventory is pointed at. Where
   * nothing stands at a path, what should hold it is pointed at.
   */
  readonly at: string | SourcePosition | { readonly host: string };
  /** Where the rule's own fix can be said better. */
  readonly fix?: string;
  /** Where the rule's own reason can be said better. */
  readonly why?: string;
}

/** Something that is known about clusters that work. */
export interface Rule {
  /** Stable: lower case with hyphens. */
  readonly id: string;
  /** An error refuses the run; a warning is told once. */
  readonly severity: 'error' | 'warning';
  /** What it wants, in one sentence. */
  readonly wants: string;
  readonly reason: string;
  readonly fix: string;
  /** Where it is written, so that it can be looked up. */
  readonly source: string;
  /** Whether the inventory is enough, or the facts of hosts are needed. */
  readonly needs: 'inventory' | 'facts';
  readonly check: (subject: Subject) => Iterable<Breach>;
}
