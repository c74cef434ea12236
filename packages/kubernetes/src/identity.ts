/** What of a host's facts must be its own: kubelet and CNIs tell nodes apart by these. */
interface Identity {
  readonly machineId: string;
  readonly productUuid: string;
  readonly interfaces: readonly { readonly mac: string }[];
}

export interface Twin {
  readonly host: string;
  readonly machineId: string;
  readonly productUuid: string;
  readonly macs: string[];
}

type Fleet = ReadonlyMap<string, Identity>;

/** More would only make the message longer. */
const mostTwins = 20;

/** By what must be one host's own: the names of the hosts that have it. */
const indexes = new WeakMap<Fleet, ReadonlyMap<string, readonly string[]>>();

function marksOf({ machineId, productUuid, interfaces }: Identity): string[] {
  return [
    ...(machineId === '' ? [] : [`machine ${machineId}`]),
    ...(productUuid === '' ? [] : [`product ${productUuid}`]),
    ...new Set(interfaces.map(({ mac }) => `mac ${mac}`)),
  ];
}

function indexOf(fleet: Fleet): ReadonlyMap<string, readonly string[]> {
  const made = indexes.get(fleet);
  if (made !== undefined) return made;
  const index = new Map<string, string[]>();
  for (const [name, identity] of fleet) {
    for (const mark of marksOf(identity)) {
      const names = index.get(mark);
      if (names === undefined) index.set(mark, [name]);
      else names.push(name);
    }
  }
  indexes.set(fleet, index);
  return index;
}

/**
 * The other hosts of the fleet that share a machine-id, a product_uuid or a MAC address with `host`,
 * 20 at most. Cloned machines do (kubernetes.io, installing kubeadm: verify that they are unique). A
 * value that a host does not have is shared with nobody. A fleet is read once: it must not change
 * after the first question.
 */
export function twinsOf(host: string, fleet: Fleet): Twin[] {
  const own = fleet.get(host);
  if (own === undefined) return [];
  const index = indexOf(fleet);
  const names = new Set<string>();
  for (const mark of marksOf(own)) {
    for (const name of index.get(mark) ?? []) {
      if (names.size === mostTwins) break;
      if (name !== host) names.add(name);
    }
  }
  return [...names].flatMap((name) => {
    const other = fleet.get(name);
    if (other === undefined) return [];
    const { machineId, productUuid, interfaces } = other;
    return [{ host: name, machineId, productUuid, macs: interfaces.map(({ mac }) => mac) }];
  });
}
