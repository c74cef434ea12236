import type { Diagnostic } from '@skerry/diagnostics';
import { describe, expect, test } from 'vitest';
import { checkCluster, rules } from '../src/index.ts';
import { brokenNetworks } from './broken-networks.ts';
import { factsFrom, onHosts } from './broken-hosts.ts';
import { changed, marked, sound } from './marked-inventory.ts';

const today = '2026-11-22';

function brief({ code, at, host }: Diagnostic): string {
  if (at === undefined) return code;
  const place = 'file' in at ? `${at.line}:${at.column}+${at.length}` : 'nowhere in the file';
  return [code, ...(host === undefined ? [] : [host]), place].join(' ');
}

const metallb = (rest: string): readonly [string, string] => [
  '- { name: edge, addresses: [10.20.1.0/27], advertise: l2 }',
  rest,
];
const lone =
  'groups:\n  g: { roles: [worker], hosts: { "w-[001:060]": { address: "10.20.0.[101:160]" } } }';
const sixty: readonly [string, string] = ['groups:', lone];

/** Each breaks one rule, at the place between « and », and no other rule. */
type Broken = readonly [id: string, text: string, more?: RegExp];

const broken: readonly Broken[] = [
  ['version-unknown', changed(['1.36.3', '«1.63.3»']), /known are 1\.33/],
  ['version-unknown', changed(['1.36.3', '«1.36.42»']), /newest of this series.*1\.36\.4/],
  ['version-newer-than-known', changed(['1.36.3', '«1.36.9»'])],
  [
    'egress-not-allowed',
    changed(
      ['cni: cilium', 'cni: «cilium»'],
      [
        'allow: [dns]\n',
        'allow: [dns]\n  egress: { allow: [10.20.0.0/24, "*.k8s.io", "*.pkg.dev", "*.amazonaws.com", "*.quay.io"] }\n',
      ],
    ),
    /^quay\.io is contacted/,
  ],
  [
    'component-version-unknown',
    changed(['cni: cilium', 'cni: { calico: { version: «3.34.0» } }']),
    /^calico 3\.34\.0 is not known: the newest series that is known is 3\.33[^]*takes 3\.32\.2/,
  ],
  [
    'component-version-unknown',
    changed(['cni: cilium', 'cni: { calico: { version: «2.32.2» } }']),
    /did you mean "3\.32\.2"\?/,
  ],
  [
    'component-version-unknown',
    changed(
      ['cni: cilium', 'cni: { flannel: { version: «0.30.0» } }'],
      ['default: deny', 'default: allow'],
      ['allow: [dns]', 'allow: []'],
    ),
    /^flannel 0\.30\.0[^]*takes 0\.28\.9/,
  ],
  [
    'component-version-unknown',
    changed(['    metallb:\n', '    metallb:\n      version: «1.16.2»\n']),
    /^metallb 1\.16\.2/,
  ],
  ['version-end-of-life', changed(['1.36.3', '«1.33.13»']), /ended on 2026-06-28/],
  ['control-plane-missing', changed(['[control-plane]', '[worker]'], ['1.36.3', '«1.36.3»'])],
  [
    'control-plane-single',
    changed(
      ['cp-1:', '«cp-1»:'],
      ['      cp-2: { address: 10.20.0.12 }\n', ''],
      ['      cp-3: { address: 10.20.0.13 }\n', ''],
    ),
  ],
  [
    'control-planes-even',
    changed(['cp-2', '«cp-2»'], ['      cp-3: { address: 10.20.0.13 }\n', '']),
  ],
  [
    'endpoint-missing',
    changed(
      ['kubernetes', '«kubernetes»'],
      ['  endpoint: { address: 10.20.0.10, via: keepalived }\n', ''],
    ),
  ],
  ['endpoint-on-node', changed(['address: 10.20.0.10,', 'address: «10.20.0.22»,']), /w-2/],
  [
    'node-without-role',
    changed(['groups:', 'groups:\n  spare: { hosts: { «s-1»: { address: 10.20.0.90 } } }']),
  ],
  ['networks-overlap', changed(['10.96.0.0/12', '«10.244.128.0/20»']), /10\.244\.0\.0\/16/],
  ['networks-overlap', changed(['[10.20.1.0/27]', '[«10.97.0.0/27»]']), /Services/],
  [
    'networks-overlap',
    changed(
      ['10.244.0.0/16', '[10.244.0.0/16, fd00:1::/48]'],
      ['10.96.0.0/12', '[10.96.0.0/12, «"fd00:1:0:1::/112"»]'],
    ),
  ],
  ['node-in-cluster-network', changed(['10.20.0.21', '«10.244.7.7»']), /w-1/],
  ['node-in-cluster-network', changed(['address: 10.20.0.10,', 'address: «10.96.0.1»,'])],
  ['address-families-differ', changed(['10.96.0.0/12', '«fd00:96::/112»']), /IPv4.*IPv6/],
  [
    'address-families-differ',
    changed(
      ['10.244.0.0/16', '[10.244.0.0/16, 10.245.0.0/16]'],
      ['services: 10.96.0.0/12', '«services»: [10.96.0.0/12, 10.112.0.0/12]'],
    ),
  ],
  ['pods-network-too-small', changed(['10.244.0.0/16', '«10.244.0.0/22»']), /4 nodes.*5/],
  ['services-network-size', changed(['10.96.0.0/12', '«172.0.0.0/8»']), /large/],
  ['services-network-size', changed(['10.96.0.0/12', '«10.96.0.0/29»']), /small/],
  [
    'proxy-ipvs-deprecated',
    changed(['proxy: nftables', 'proxy: «ipvs»']),
    /1\.35[\s\S]*1\.43[\s\S]*nftables/,
  ],
  ['proxy-iptables-slow', changed(['proxy: nftables', 'proxy: «iptables»'])],
  ['proxy-missing', changed(['proxy: nftables', 'proxy: «none»'], ['cni: cilium', 'cni: calico'])],
  [
    'proxy-options-unused',
    changed(['proxy: nftables', 'proxy: nftables\n    «ipvs»: { scheduler: lc }']),
    /^options of ipvs mean nothing with proxy: nftables/,
  ],
  [
    'proxy-options-unused',
    changed(['proxy: nftables', 'proxy: nftables\n    «iptables»: { syncPeriod: 1m }']),
    /^options of iptables/,
  ],
  [
    'proxy-options-unused',
    changed(['proxy: nftables', 'proxy: none\n    «nftables»: { minSyncPeriod: 2s }']),
    /^options of nftables mean nothing with proxy: none/,
  ],
  [
    'proxy-sync-periods',
    changed(['proxy: nftables', 'proxy: nftables\n    nftables: { minSyncPeriod: «40s» }']),
    /^a minSyncPeriod of 40s is longer than a syncPeriod of 30s/,
  ],
  ['node-local-dns-nftables', changed(['nodeLocal: false', 'nodeLocal: «true»'])],
  [
    'cni-untested',
    changed(['cni: cilium', 'cni: { cilium: { version: «1.18.5» } }']),
    /^cilium 1\.18\.5 was run with Kubernetes 1\.30 to 1\.33, not with 1\.36\.3[^]*take cilium 1\.20/,
  ],
  [
    'cni-untested',
    changed(['1.36.3', '1.37.1'], ['cni: cilium', 'cni: «calico»']),
    /^calico 3\.32\.2 was run[^]*take calico 3\.33/,
  ],
  ['cni-missing', changed(['  network:\n', '  «network»:\n'], ['    cni: cilium\n', ''])],
  [
    'cilium-value-removed',
    changed(['cni: cilium', 'cni: { cilium: { values: { tunnel: «disabled» } } }']),
    /routing: native/,
  ],
  [
    'cilium-value-removed',
    changed(['cni: cilium', 'cni: { cilium: { values: { nativeRoutingCIDR: «10.244.0.0/16» } } }']),
    /nativeNetwork: 10\.244\.0\.0\/16/,
  ],
  [
    'cilium-value-removed',
    changed(['cni: cilium', 'cni: { cilium: { values: { kubeProxyReplacement: «strict» } } }']),
    /proxy: none/,
  ],
  [
    'cilium-cluster-name',
    changed(['name: site', `name: ${'s'.repeat(33)}`], ['cni: cilium', 'cni: «cilium»']),
  ],
  ['calico-needs-bgp', changed(['cni: cilium', 'cni: { calico: { encapsulation: «ipip» } }'])],
  ['weave-archived', changed(['cni: cilium', 'cni: «weave»']), /no node would become Ready/],
  [
    'gateway-controller-missing',
    changed(
      ['cni: cilium', 'cni: calico'],
      ['  dns:', '  ingress: { controller: «gateway-api» }\n  dns:'],
    ),
    /calico/,
  ],
  [
    'gateway-without-pool',
    changed(
      ['  dns:', '  ingress: { controller: «envoy-gateway» }\n  dns:'],
      ['        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }', '        []'],
    ),
    /type LoadBalancer/,
  ],
  [
    'ingress-nginx-retired',
    changed(['  dns:', '  ingress: { controller: «ingress-nginx» }\n  dns:']),
    /Gateway API/,
  ],
  ['pool-contains-node', changed(['10.20.0.22', '«10.20.1.5»']), /w-2/],
  ['pool-contains-node', changed(['address: 10.20.0.10,', 'address: «10.20.1.30»,'])],
  [
    'pools-overlap',
    changed(
      metallb(
        '- { name: a, addresses: [10.20.1.0/27] }\n        - { name: b, addresses: [«10.20.1.31-10.20.1.40»] }',
      ),
    ),
  ],
  ['pool-unsized', changed(metallb('- { name: a, «addresses»: [] }')), /empty/],
  ['pool-unsized', changed(metallb('- { name: a, addresses: [«10.20.1.7»] }')), /10\.20\.1\.7\/32/],
  ['pool-unsized', changed(metallb('- { name: a, addresses: [«10.20.1.9-10.20.1.3»] }'))],
  [
    'pool-name-twice',
    changed(
      metallb(
        '- { name: a, addresses: [10.20.1.0/27] }\n        - { name: «a», addresses: [10.20.2.0/27] }',
      ),
    ),
  ],
  ['metallb-l2-large', changed(sixty, ['advertise: l2', 'advertise: «l2»']), /65 nodes/],
  ['metallb-bgp-without-peers', changed(['advertise: l2', 'advertise: «bgp»'])],
  [
    'metallb-unknown-community',
    changed(
      [
        '      pools:',
        '      communities: { site: "64512:1" }\n      peers: [{ name: r, address: 10.20.0.1, asn: 1, localAsn: 2 }]\n      pools:',
      ],
      ['advertise: l2', 'advertise: bgp, communities: [«sitee»]'],
    ),
    /did you mean "site"/,
  ],
  ['allow-without-deny', changed(['default: deny', 'default: allow'], ['allow: [', '«allow»: ['])],
  ['policies-not-enforced', changed(['cni: cilium', 'cni: flannel'], ['policies', '«policies»'])],
  ['policies-only-written', changed(['cni: cilium', 'cni: routed'], ['policies', '«policies»'])],
  [
    'deny-without-dns',
    changed(['default: deny', 'default: «deny»'], ['allow: [dns]', 'allow: [internet]']),
  ],
  [
    'mtu-too-large',
    changed(['proxy: nftables', 'proxy: nftables\n    mtu: «9000»\n    pathMtu: 1500']),
  ],
  [
    'mtu-too-large',
    changed([
      'cni: cilium',
      'cni: { cilium: { routing: vxlan } }\n    pathMtu: 1500\n    mtu: «1500»',
    ]),
    /50 of VXLAN[\s\S]*at most 1450/,
  ],
];

describe('rules', () => {
  test('find nothing in a cluster that is sound', () => {
    expect(checkCluster(marked(sound).inventory, { today })).toEqual([]);
    const hosts = ['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'];
    const facts = factsFrom(Object.fromEntries(hosts.map((host) => [host, {}])));
    expect(checkCluster(marked(sound).inventory, { today, facts })).toEqual([]);
  });

  test('find nothing where nothing is said of Kubernetes', () => {
    const { inventory } = marked(sound.replace(/kubernetes:[\s\S]*/, ''));
    expect(checkCluster(inventory, { today })).toEqual([]);
  });

  const cases = [...broken, ...brokenNetworks].map(([id, text, more]) => ({ id, text, more }));
  test.each(cases)('$id, where it stands', ({ id, text, more }) => {
    const { inventory, mark } = marked(text);
    const found = checkCluster(inventory, { today });
    expect(found.map(brief)).toEqual([`${id} ${mark}`]);
    const [{ what, why, fix } = { what: '', why: '', fix: '' }] = found;
    expect(fix).not.toBe('');
    if (more !== undefined) expect(`${what}\n${why}\n${fix}`).toMatch(more);
  });

  test.each(onHosts)('%s, by its facts (%#), at its line', (expected, text, given) => {
    const host = expected.split(' ')[1] ?? '';
    const { inventory, mark } = marked(text.replace(`${host}:`, `«${host}»:`));
    expect(checkCluster(inventory, { today })).toEqual([]);
    const found = checkCluster(inventory, { today, facts: factsFrom(given) });
    expect(found.map(brief)).toEqual([`${expected} ${mark}`]);
    expect(found[0]?.what).toMatch(new RegExp(String.raw`\b${host}\b`));
  });

  test('a host of a range is told at the range, by its own name', () => {
    const { inventory, mark } = marked(
      changed(['w-2:', '«"w-[2:4]"»:'], ['address: 10.20.0.22', 'address: "10.20.0.[22:24]"']),
    );
    const found = checkCluster(inventory, { today, facts: factsFrom({ 'w-3': { cgroup: 1 } }) });
    expect(found.map(brief)).toEqual([`cgroup-v1 w-3 ${mark}`]);
    expect(found[0]?.what).toBe('w-3 runs cgroup v1');
  });

  test('hosts with the same containerd are told together, and without one not at all', () => {
    const { inventory } = marked(sound);
    const facts = factsFrom({
      'cp-1': { containerd: '1.7.24' },
      'cp-2': { containerd: '2.2.0' },
      'cp-3': { containerd: '' },
      'w-1': { containerd: '1.6.20' },
      'w-2': { containerd: '1.7.24' },
    });
    expect(checkCluster(inventory, { today, facts }).map(({ what }) => what)).toEqual([
      'cp-1 and 1 more have containerd 1.7.24, Kubernetes 1.36 wants 2.2.0',
      'w-1 has containerd 1.6.20, Kubernetes 1.36 wants 2.2.0',
    ]);
  });

  test('strict ARP belongs to IPVS with MetalLB', () => {
    const text = changed(['proxy: nftables', 'proxy: ipvs\n    ipvs: { strictArp: «false» }']);
    const { inventory, mark } = marked(text);
    expect(checkCluster(inventory, { today }).map(brief)).toContain(`ipvs-strict-arp ${mark}`);
    const strict = marked(text.replace('false', 'true')).inventory;
    expect(checkCluster(strict, { today }).map(({ code }) => code)).toEqual([
      'proxy-ipvs-deprecated',
    ]);
  });

  test('a Cilium without objects of BGP is as old as to be untested, too', () => {
    const text = changed(['cni: cilium', 'cni: { cilium: { bgp: true, version: «1.15.19» } }']);
    const { inventory, mark } = marked(text.replace('advertise: l2', 'advertise: bgp'));
    const found = checkCluster(inventory, { today }).map(brief);
    expect(found).toContain(`cilium-bgp-too-old ${mark}`);
    expect(found).toContain(`cni-untested ${mark}`);
  });

  test('nftables in Calico belongs to nftables in kube-proxy', () => {
    const calico = 'cni: { calico: { dataplane: «nftables» } }';
    const text = changed(['cni: cilium', calico], ['proxy: nftables', 'proxy: iptables']);
    const { inventory, mark } = marked(text);
    expect(checkCluster(inventory, { today }).map(brief)).toContain(`calico-nftables ${mark}`);
    expect(checkCluster(marked(changed(['cni: cilium', calico])).inventory, { today })).toEqual([]);
  });

  test('a mode that Kubernetes has no more is refused', () => {
    const text = changed(['1.36.3', '1.43.0'], ['proxy: nftables', 'proxy: «ipvs»']);
    const { inventory, mark } = marked(text);
    expect(checkCluster(inventory, { today }).map(brief)).toContain(`proxy-mode-removed ${mark}`);
  });

  test('an end of life begins the day after it', () => {
    const { inventory } = marked(changed(['1.36.3', '1.35.9']));
    expect(checkCluster(inventory, { today: '2027-02-28' })).toEqual([]);
    expect(checkCluster(inventory, { today: '2027-03-01' })).toHaveLength(1);
  });

  test('everything is told at once, in the order of the file, what hosts are last', () => {
    const text = changed(
      ['1.36.3', '1.36.42'],
      ['proxy: nftables', 'proxy: ipvs'],
      ['cni: cilium', 'cni: flannel'],
      ['advertise: l2', 'advertise: bgp'],
      ['allow: [dns]', 'allow: []'],
    );
    const facts = factsFrom({ 'w-1': { kernel: '4.19.0' }, 'cp-2': { cgroup: 1 } });
    const found = checkCluster(marked(text).inventory, { today, facts });
    expect(found.map(({ code }) => code)).toEqual([
      'version-unknown',
      'proxy-ipvs-deprecated',
      'metallb-bgp-without-peers',
      'policies-not-enforced',
      'deny-without-dns',
      'cgroup-v1',
      'kernel-too-old',
    ]);
  });

  test('are each fired by a test here, and none has an id twice', () => {
    const ids = rules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const fired = new Set([
      ...[...broken, ...brokenNetworks].map(([id]) => id),
      ...onHosts.map(([text]) => text.split(' ')[0]),
      'ipvs-strict-arp',
      'proxy-mode-removed',
      'calico-nftables',
      'cilium-bgp-too-old',
    ]);
    expect(ids.filter((id) => !fired.has(id))).toEqual([]);
  });

  test('take at most a second of CPU time for a thousand hosts', () => {
    const text = changed(
      [
        'groups:',
        'groups:\n  many: { roles: [worker], hosts: { "n-[0001:1000]": { address: "n-[0001:1000].example.org" } } }',
      ],
      ['10.244.0.0/16', '10.240.0.0/13'],
      [
        '    metallb:\n      pools:\n        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }',
        '    {}',
      ],
    );
    const before = process.cpuUsage();
    const { inventory } = marked(text);
    expect(checkCluster(inventory, { today })).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
    expect(inventory.hosts).toHaveLength(1005);
  });
});
