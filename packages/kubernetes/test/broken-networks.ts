import { changed } from './marked-inventory.ts';

const open = [
  ['default: deny', 'default: allow'],
  ['allow: [dns]', 'allow: []'],
] as const;
const routed = (more: string): readonly [string, string] => [
  'cni: cilium',
  `cni: { routed: {${more}} }`,
];
const ownPools = (pools: string): readonly [string, string] => [
  `    metallb:
      pools:
        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }
`,
  `    ${pools}
`,
];
/** A pool that is told by BGP to the peer `r`. */
const metallb = ({ section = '', peer = '', pool = '', addresses = '10.20.1.0/27' }) =>
  ownPools(`metallb:
      ${section}peers: [{ name: r, address: 10.20.0.1, asn: 1, localAsn: 2${peer} }]
      pools: [{ name: edge, addresses: [${addresses}], advertise: bgp${pool} }]`);
const none = ['proxy: nftables', 'proxy: none'] as const;

/** Inventories that break one rule about their network, at the place between « and ». */
export const brokenNetworks: readonly (readonly [id: string, text: string, more?: RegExp])[] = [
  [
    'routed-blocks-collide',
    changed(routed(''), ['10.20.0.22', '«10.20.2.21»'], ...open),
    /w-2 and w-1 both get 10\.244\.21\.0\/24/,
  ],
  [
    'routed-blocks-collide',
    changed(routed(' blocks: { w-2: 10.244.21.0/25 } '), ['10.20.0.22', '«10.20.0.22»'], ...open),
  ],
  ['routed-block-wrong', changed(routed(' blocks: { w-1: «10.245.0.0/24» } '), ...open)],
  ['routed-block-wrong', changed(routed(' blocks: { w-9: «10.244.0.0/24» } '), ...open), /no host/],
  ['routed-without-address', changed(routed(''), ['10.20.0.22', '«w-2.example.org»'], ...open)],
  [
    'routed-ipv4-only',
    changed(
      routed(''),
      ['pods: 10.244.0.0/16', '«pods»: [10.244.0.0/16, "fd00:1::/48"]'],
      ['10.96.0.0/12', '[10.96.0.0/12, "fd00:2::/112"]'],
      ...open,
    ),
  ],
  ['routed-network-small', changed(routed(''), ['10.244.0.0/16', '«10.244.0.0/25»'], ...open)],
  [
    'cilium-version-unknown',
    changed(['cni: cilium', 'cni: { cilium: { version: «1.14.9» } }']),
    /1\.15 to 1\.20/,
  ],
  [
    'cilium-dsr-tunnel',
    changed(none, ['cni: cilium', 'cni: { cilium: { routing: vxlan, loadBalancer: «dsr» } }']),
  ],
  [
    'cilium-needs-replacement',
    changed(['cni: cilium', 'cni: { cilium: { loadBalancer: «hybrid» } }']),
  ],
  [
    'cilium-needs-replacement',
    changed(['  dns:', '  ingress: { controller: «gateway-api» }\n  dns:']),
  ],
  [
    'cilium-balancer-without-cilium',
    changed(
      ['cni: cilium', 'cni: calico'],
      ownPools('«cilium»: { pools: [{ name: a, addresses: [10.20.1.0/27] }] }'),
    ),
  ],
  [
    'load-balancer-twice',
    changed(none, [
      '  loadBalancer:',
      '  loadBalancer:\n    «cilium»: { pools: [{ name: a, addresses: [10.20.2.0/27] }] }',
    ]),
  ],
  [
    'cilium-pools-mixed',
    changed(
      none,
      ownPools(
        'cilium: { «pools»: [{ name: a, addresses: [10.20.1.0/27] }, { name: b, addresses: [10.20.2.0/27], advertise: bgp }], peers: [{ name: r, address: 10.20.0.1, asn: 1, localAsn: 2 }] }',
      ),
    ),
  ],
  [
    'metallb-bgp-without-peers',
    changed(
      none,
      ownPools('cilium: { pools: [{ name: a, addresses: [10.20.1.0/27], advertise: «bgp» }] }'),
    ),
  ],
  [
    'pool-contains-node',
    changed(none, ownPools('cilium: { pools: [{ name: a, addresses: [10.20.1.0/27] }] }'), [
      '10.20.0.22',
      '«10.20.1.5»',
    ]),
  ],
  [
    'metallb-native-bgp',
    changed(metallb({ peer: ', bfd: «true»' })),
    /^BFD with the peer "r"[^]*leave "bfd" out/,
  ],
  [
    'metallb-native-bgp',
    changed(metallb({ addresses: '10.20.1.0/27, «"fd00:20::/112"»' })),
    /IPv6[^]*advertise: l2[^]*Cilium/,
  ],
  [
    'metallb-native-bgp',
    changed(metallb({ pool: ', communities: [«"large:64512:1:2"»]' })),
    /64512:100[^]*Cilium/,
  ],
  [
    'metallb-native-bgp',
    changed(
      metallb({
        section: 'communities: { site: «"large:64512:1:2"» }\n      ',
        pool: ', communities: [site]',
      }),
    ),
    /^the community "site" is a large one/,
  ],
  [
    'metallb-legacy-form',
    changed([
      '      pools:\n        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }',
      `      «address-pools»:
        - name: edge
          protocol: layer2
          addresses: [10.20.1.0/27]
          avoid-buggy-ips: true
        - name: far
          protocol: bgp
          auto-assign: false
          addresses: [10.20.2.0/27]
          bgp-advertisements: [{ aggregation-length: 28, localpref: 100, communities: [site] }]
      peers: [{ peer-address: 10.20.0.1, peer-asn: 64500, my-asn: 64512 }]
      bgp-communities: { site: "64512:100" }`,
    ]),
    /advertise: l2[\s\S]*avoidBuggyAddresses: true[\s\S]*advertise: bgp[\s\S]*autoAssign: false[\s\S]*aggregation: 28[\s\S]*name: peer-1[\s\S]*localAsn: 64512/,
  ],
];
