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

/**
 * The other hosts of the fleet that share a machine-id, a product_uuid or a MAC address with `host`.
 * Cloned machines do (kubernetes.io, installing kubeadm: verify that they are unique). A value that a
 * host does not have is shared with nobody.
 */
export function twinsOf(host: string, fleet: ReadonlyMap<string, Identity>): Twin[] {
  const own = fleet.get(host);
  if (own === undefined) return [];
  const macs = new Set(own.interfaces.map(({ mac }) => mac));
  return [...fleet].flatMap(([name, other]) => {
    const shares =
      (own.machineId !== '' && own.machineId === other.machineId) ||
      (own.productUuid !== '' && own.productUuid === other.productUuid) ||
      other.interfaces.some(({ mac }) => macs.has(mac));
    if (name === host || !shares) return [];
    const { machineId, productUuid, interfaces } = other;
    return [{ host: name, machineId, productUuid, macs: interfaces.map(({ mac }) => mac) }];
  });
}
