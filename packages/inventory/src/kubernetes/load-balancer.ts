import { z } from 'zod';
import { secretReference, serverName, word } from '../formats.ts';
import { fromLegacyMetallb } from './metallb-legacy.ts';
import { manifestPatches } from './manifest-patches.ts';
import { asn, interfaceName, objectName, version } from './values.ts';

/** Numbers of 16 bits each (RFC 1997), or after `large:` three of 32 bits (RFC 8092). */
function isCommunity(text: string): boolean {
  const isLarge = text.startsWith('large:');
  const numbers = text.split(':').slice(isLarge ? 1 : 0);
  const limit = isLarge ? 2 ** 32 : 2 ** 16;
  return (
    numbers.length === (isLarge ? 3 : 2) &&
    numbers.every((number) => /^\d+$/.test(number) && Number(number) < limit)
  );
}

const community = z
  .string()
  .refine(isCommunity, {
    error: 'must be a community, like 64512:100 or large:64512:100:1',
    params: { code: 'invalid-community' },
  })
  .meta({ pattern: String.raw`^(\d{1,5}:\d{1,5}|large:\d+:\d+:\d+)$` });

const pool = z.strictObject({
  name: objectName('The name of the pool'),
  addresses: z
    .array(z.string())
    .describe('Networks (10.20.1.0/27) and ranges (10.20.1.10-10.20.1.20)'),
  advertise: z
    .enum(['l2', 'bgp'])
    .default('l2')
    .describe('l2: one node answers ARP; bgp: the peers learn a route'),
  autoAssign: z.boolean().default(true).describe('Given out without being asked for by name'),
  avoidBuggyAddresses: z
    .boolean()
    .default(false)
    .describe('Leave out .0 and .255, which some old equipment drops'),
  interfaces: z.array(interfaceName).default([]).describe('l2: only on these interfaces of a node'),
  communities: z
    .array(
      word('A community').refine((value) => !value.includes(':') || isCommunity(value), {
        error: 'must be a name of "communities", or a community, like 64512:100',
        params: { code: 'invalid-community' },
      }),
    )
    .default([])
    .describe('bgp: names of "communities", or communities'),
  localPreference: z.int().min(0).optional().describe('bgp: for peers inside of one AS'),
  aggregation: z
    .int()
    .min(1)
    .max(128)
    .optional()
    .describe('bgp: prefix length of what is announced; left out: every address'),
});

const peer = z.strictObject({
  name: objectName('The name of the peer'),
  address: serverName.describe('The address of the router'),
  asn: asn('The AS number of the router'),
  localAsn: asn('The AS number of the nodes'),
  port: z.int().min(1).max(65_535).default(179).describe('The port of the router'),
  password: secretReference.optional().describe('A reference to the password of the session'),
  multihop: z.boolean().default(false).describe('The router is more than one hop away'),
  bfd: z.boolean().default(false).describe('Refused: the native BGP of MetalLB knows no BFD'),
});

const communities = z
  .record(z.string(), community)
  .default({})
  .describe('Names for communities: 64512:100, or large:64512:100:1');

const metallb = z.strictObject({
  version: version(
    'The version of MetalLB; left out: the one that the version matrix names',
  ).optional(),
  pools: z.array(pool).describe('Addresses for Services of the type LoadBalancer'),
  peers: z.array(peer).default([]).describe('BGP routers, for pools that are advertised by bgp'),
  communities,
  patches: manifestPatches('DaemonSet speaker'),
});

const cilium = z.strictObject({
  pools: z
    .array(pool.omit({ avoidBuggyAddresses: true, aggregation: true }))
    .describe('Addresses for Services of the type LoadBalancer'),
  peers: z
    .array(peer.omit({ bfd: true }))
    .default([])
    .describe('BGP routers, for pools that are advertised by bgp'),
  communities,
});

/** Who gives Services of the type LoadBalancer their addresses. */
export const loadBalancer = z
  .strictObject({
    metallb: z
      .preprocess(fromLegacyMetallb, metallb)
      .optional()
      .describe('MetalLB, with its pools of addresses'),
    cilium: cilium.optional().describe('Cilium itself, with its pools of addresses'),
  })
  .describe('Who gives Services of the type LoadBalancer their addresses');
export type MetallbSettings = z.infer<typeof metallb>;
export type CiliumBalancerSettings = z.infer<typeof cilium>;
