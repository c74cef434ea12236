type Old = Readonly<Record<string, unknown>>;

/** By the key in MetalLB's ConfigMap (up to 0.12): what it is called here. */
const poolKeys: Readonly<Record<string, string>> = {
  'auto-assign': 'autoAssign',
  'avoid-buggy-ips': 'avoidBuggyAddresses',
};
const advertisementKeys: Readonly<Record<string, string>> = {
  'aggregation-length': 'aggregation',
  'aggregation-length-v6': 'aggregation',
  localpref: 'localPreference',
};
const peerKeys: Readonly<Record<string, string>> = {
  'peer-address': 'address',
  'peer-asn': 'asn',
  'my-asn': 'localAsn',
  'peer-port': 'port',
  'ebgp-multihop': 'multihop',
};

function isMap(value: unknown): value is Old {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is not known stays as it is, and is told as an unknown key. */
function renamed(old: Old, names: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(old).map(([key, value]) => [names[key] ?? key, value]));
}

function pool(old: unknown): unknown {
  if (!isMap(old)) return old;
  const { protocol, 'bgp-advertisements': told, ...rest } = old;
  const first: unknown = Array.isArray(told) && told.length === 1 ? told[0] : undefined;
  return {
    ...renamed(rest, poolKeys),
    ...(protocol === undefined ? {} : { advertise: protocol === 'layer2' ? 'l2' : protocol }),
    ...(isMap(first) ? renamed(first, advertisementKeys) : {}),
    // Several ways to tell one pool have no short form.
    ...(told === undefined || isMap(first) ? {} : { 'bgp-advertisements': told }),
  };
}

function peer(old: unknown, index: number): unknown {
  if (!isMap(old)) return old;
  const { 'bfd-profile': bfd, ...rest } = old;
  const named = { name: `peer-${index + 1}`, ...renamed(rest, peerKeys) };
  return bfd === undefined ? named : { ...named, bfd: true };
}

/**
 * Settings of MetalLB as its ConfigMap had them before 0.13 (`address-pools`, `bgp-communities`), in
 * the form that they have here; everything else as it is.
 */
export function fromLegacyMetallb(value: unknown): unknown {
  if (!isMap(value) || !('address-pools' in value)) return value;
  const { 'address-pools': pools, peers, 'bgp-communities': communities, ...rest } = value;
  return {
    ...rest,
    pools: Array.isArray(pools) ? pools.map(pool) : pools,
    ...(peers === undefined ? {} : { peers: Array.isArray(peers) ? peers.map(peer) : peers }),
    ...(communities === undefined ? {} : { communities }),
  };
}
