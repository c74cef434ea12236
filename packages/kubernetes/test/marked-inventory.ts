import { parseInventory, type Inventory } from '@skerry/inventory';

/** Three control planes and two workers, and a cluster in which everything fits together. */
export const sound = `cluster: { name: site }
groups:
  control-plane:
    roles: [control-plane]
    hosts:
      cp-1: { address: 10.20.0.11 }
      cp-2: { address: 10.20.0.12 }
      cp-3: { address: 10.20.0.13 }
  workers:
    roles: [worker]
    hosts:
      w-1: { address: 10.20.0.21 }
      w-2: { address: 10.20.0.22 }
kubernetes:
  version: 1.36.3
  endpoint: { address: 10.20.0.10, via: keepalived }
  network:
    pods: 10.244.0.0/16
    services: 10.96.0.0/12
    proxy: nftables
    cni: cilium
  dns: { nodeLocal: false }
  loadBalancer:
    metallb:
      pools:
        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }
  policies:
    default: deny
    allow: [dns]
`;

export interface Marked {
  readonly inventory: Inventory;
  /** `line:column+length` of what stands between « and »; undefined where nothing does. */
  readonly mark: string | undefined;
}

/** An inventory from a text in which « and » mark a place. */
export function marked(text: string): Marked {
  const start = text.indexOf('«');
  const end = text.indexOf('»');
  const inventory = parseInventory(text.replaceAll(/[«»]/g, ''), 'site.yaml');
  if (start === -1) return { inventory, mark: undefined };
  const before = text.slice(0, start).split('\n');
  return {
    inventory,
    mark: `${before.length}:${(before.at(-1)?.length ?? 0) + 1}+${end - start - 1}`,
  };
}

/** `sound`, with some of its text replaced; fails where the text is not there. */
export function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the inventory has no "${from}"`);
    return text.replace(from, () => to);
  }, sound);
}
