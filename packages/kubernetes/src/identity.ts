/** What of a host's facts must be its own: kubelet and CNIs tell nodes apart by these. */
interface Identity {
  readonly hostname: string;
  readonly machineId: string;
  readonly productUuid: string;
  readonly interfaces: readonly { readonly name: string; readonly mac: string }[];
}

export interface IdentityConflict {
  /** `machine-id`, `product_uuid`, `MAC of eth0`, `hostname`. */
  readonly what: string;
  readonly value: string;
  /** The other hosts that have it too. */
  readonly hosts: readonly string[];
}

/**
 * Where `host` shares what must be unique with another host of the fleet. Cloned machines do
 * (kubernetes.io, installing kubeadm: verify the MAC address and product_uuid are unique).
 */
export function identityConflicts(
  host: string,
  fleet: ReadonlyMap<string, Identity>,
): IdentityConflict[] {
  const own = fleet.get(host);
  if (own === undefined) return [];
  const others = [...fleet].filter(([name]) => name !== host);
  const sharing = (same: (identity: Identity) => boolean): string[] =>
    others.filter(([, identity]) => same(identity)).map(([name]) => name);
  const found: IdentityConflict[] = [
    {
      what: 'machine-id',
      value: own.machineId,
      hosts: sharing(({ machineId }) => machineId !== '' && machineId === own.machineId),
    },
    {
      what: 'product_uuid',
      value: own.productUuid,
      hosts: sharing(({ productUuid }) => productUuid !== '' && productUuid === own.productUuid),
    },
    ...own.interfaces.map(({ name, mac }) => ({
      what: `MAC of ${name}`,
      value: mac,
      hosts: sharing(({ interfaces }) => interfaces.some((other) => other.mac === mac)),
    })),
  ];
  return found.filter(({ hosts }) => hosts.length > 0);
}
