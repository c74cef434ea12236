import { formatPosition } from '@skerry/diagnostics';
import { parseInventory, type Inventory } from '@skerry/inventory';
import { describe, expect, it } from 'vitest';
import { checkCluster, contactsOf, isAllowed, type Contact } from '../src/index.ts';

const text = `cluster:
  name: made
  connection: { jump: ["ops@bastion.example.no:2222"] }
  node:
    timeServers: [ntp.example.no]
    containerd: { mirrors: { registry.k8s.io: [https://mirror.example.no/k8s] } }
groups:
  cp: { roles: [control-plane], hosts: { "cp-[1:3]": { address: "10.0.0.[1:3]" } } }
  workers: { roles: [worker], hosts: { w-1: { address: 10.0.0.11, connection: { port: 2022 } } } }
kubernetes:
  version: 1.36.3
  endpoint: { address: 10.0.0.9, via: keepalived }
  network: { cni: { cilium: { routing: vxlan } } }
  loadBalancer:
    metallb:
      pools: [{ name: edge, addresses: [10.0.9.0/28], advertise: bgp }]
      peers: [{ name: tor, address: 10.0.0.254, asn: 64512, localAsn: 64513 }]
`;
const inventoryOf = (more = ''): Inventory => parseInventory(text + more, 'made.yaml');

const line = ({ host, port, protocol, from, reason, at }: Contact): string =>
  `${from} → ${host} ${protocol} ${port}: ${reason}${at === undefined ? '' : ` (${formatPosition(at)})`}`;
const withoutLine = (text: string): string => text.replace(/ \(.*/, '');
const lines = (inventory: Inventory, options: Parameters<typeof contactsOf>[1]): string[] =>
  contactsOf(inventory, options).contacts.map(line);

describe('who is contacted', () => {
  it('with a bundle: only what the inventory itself names', () => {
    expect(lines(inventoryOf(), { bundle: true })).toEqual([
      'operator → bastion.example.no tcp 2222: SSH, as a jump host (made.yaml:3:23)',
      'jump host → 10.0.0.1 tcp 22: SSH to cp-1 (made.yaml:8:65)',
      'jump host → 10.0.0.2 tcp 22: SSH to cp-2 (made.yaml:8:65)',
      'jump host → 10.0.0.3 tcp 22: SSH to cp-3 (made.yaml:8:65)',
      'jump host → 10.0.0.11 tcp 2022: SSH to w-1 (made.yaml:9:56)',
      'nodes → ntp.example.no udp 123: time (NTP) (made.yaml:5:18)',
      'nodes → 10.0.0.9 tcp 6443: the API of Kubernetes (made.yaml:12:24)',
      ...['10.0.0.1', '10.0.0.2', '10.0.0.3'].flatMap((address) => [
        `nodes → ${address} tcp 6444: an API server (made.yaml:8:65)`,
        `control planes → ${address} tcp 2379: etcd, between its members (made.yaml:8:65)`,
        `control planes → ${address} tcp 2380: etcd, between its members (made.yaml:8:65)`,
        `control planes → ${address} vrrp 0: keepalived: who holds the address of the API (made.yaml:8:65)`,
      ]),
      ...['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.11'].flatMap((address) => {
        const at = address === '10.0.0.11' ? 'made.yaml:9:56' : 'made.yaml:8:65';
        return [
          `control planes → ${address} tcp 10250: a kubelet (${at})`,
          `nodes → ${address} tcp 4240: Cilium: health of nodes (${at})`,
          `nodes → ${address} tcp 4244: Hubble (${at})`,
          `nodes → ${address} udp 8472: pods by VXLAN (${at})`,
          `nodes → ${address} tcp 7946: MetalLB: who answers for an address (${at})`,
          `nodes → ${address} udp 7946: MetalLB: who answers for an address (${at})`,
        ];
      }),
      'nodes → 10.0.0.254 tcp 179: BGP with tor (made.yaml:17:37)',
    ]);
  });

  it('without a bundle: also packages, mirrors, registries, and where those send their clients', () => {
    const bundled = new Set(lines(inventoryOf(), { bundle: true }));
    const more = lines(inventoryOf(), { bundle: false }).filter((one) => !bundled.has(one));
    expect(more.map(withoutLine)).toEqual([
      'nodes → pkgs.k8s.io tcp 443: packages of kubeadm, kubelet and kubectl',
      'nodes → prod-cdn.packages.k8s.io tcp 443: where pkgs.k8s.io sends its clients',
      'nodes → mirror.example.no tcp 443: images of registry.k8s.io, from a mirror',
      'nodes → registry.k8s.io tcp 443: images, where no mirror answers',
      'nodes → *.pkg.dev tcp 443: where registry.k8s.io sends its clients',
      'nodes → *.amazonaws.com tcp 443: where registry.k8s.io sends its clients',
      'nodes → quay.io tcp 443: images',
      'nodes → *.quay.io tcp 443: where quay.io sends its clients',
    ]);
    expect(more.find((one) => one.includes('mirror.example.no'))).toContain('(made.yaml:6:');
  });

  it('with bundle create: what it fetches from, mirrors in place of upstream', () => {
    const origins = `  origins:
    https://dl.k8s.io: https://mirror.example.no/dl
    registry.k8s.io: harbor.example.no:8443/k8s
`;
    const distributions = ['debian-13', 'rocky-9.6'];
    const hosts = (inventory: Inventory): Set<string> =>
      new Set(
        contactsOf(inventory, { bundle: true, creating: true, distributions })
          .contacts.filter(({ reason }) => reason.startsWith('bundle create'))
          .map(({ host, port }) => `${host}:${port}`),
      );
    const upstream = hosts(inventoryOf());
    expect([...upstream]).toEqual(
      expect.arrayContaining([
        'deb.debian.org:443',
        'dl.k8s.io:443',
        'github.com:443',
        'helm.cilium.io:443',
        'registry.k8s.io:443',
      ]),
    );
    const mirrored = hosts(inventoryOf(origins));
    expect([...mirrored]).toEqual(
      expect.arrayContaining(['mirror.example.no:443', 'harbor.example.no:8443']),
    );
    expect(mirrored.has('dl.k8s.io:443') || mirrored.has('registry.k8s.io:443')).toBe(false);
  });

  describe('routers that nodes speak BGP with', () => {
    const nodesOf = (kubernetes: string): Inventory =>
      parseInventory(
        `cluster: { name: made }
groups: { cp: { roles: [control-plane], hosts: { cp-1: { address: 10.0.0.1 } } } }
kubernetes:
  version: 1.36.3
${kubernetes}`,
        'made.yaml',
      );
    const told = (kubernetes: string): string[] =>
      lines(nodesOf(kubernetes), { bundle: true }).filter((one) => one.includes('BGP'));
    const cilium = (advertise: string, bgp = false): string => `  network:
    { cni: { cilium: { bgp: ${bgp} } }, proxy: none }
  loadBalancer:
    cilium:
      pools: [{ name: edge, addresses: [10.0.9.0/28], advertise: ${advertise} }]
      peers:
        - { name: tor, address: 10.0.8.1, port: 1179, asn: 64512, localAsn: 64513 }
        - { name: six, address: "fd00::1", asn: 64512, localAsn: 64513 }
`;
    const calico = (more: string): string => `  network:
    cni:
      calico:
        ${more}
        peers:
          - { name: tor, address: 10.0.8.1, asn: 64512 }
          - { name: six, address: "fd00::1", asn: 64512 }
`;

    it('of Cilium, where a pool or the CNI turns BGP on', () => {
      const peers = [
        'nodes → 10.0.8.1 tcp 1179: BGP with tor (made.yaml:11:33)',
        'nodes → fd00::1 tcp 179: BGP with six (made.yaml:12:33)',
      ];
      expect(told(cilium('bgp'))).toEqual(peers);
      expect(told(cilium('l2', true))).toEqual(peers);
      expect(told(cilium('l2'))).toEqual([]);
    });

    it('of Calico, and of nodes with each other where they are a mesh', () => {
      const peers = [
        'nodes → 10.0.8.1 tcp 179: BGP with tor (made.yaml:10:35)',
        'nodes → fd00::1 tcp 179: BGP with six (made.yaml:11:35)',
      ];
      const mesh = 'nodes → 10.0.0.1 tcp 179: BGP between nodes (made.yaml:2:67)';
      expect(told(calico('bgp: true'))).toEqual([mesh, ...peers]);
      const alone = told(calico('bgp: true\n        nodeMesh: false'));
      expect(alone.map(withoutLine)).toEqual(peers.map(withoutLine));
      expect(told(calico('bgp: false'))).toEqual([]);
    });

    it.each([
      ['Cilium', cilium('bgp'), '10.0.8.1 is contacted and not allowed (BGP with tor, tcp 1179)'],
      [
        'Calico',
        calico('bgp: true'),
        '10.0.8.1 is contacted and not allowed (BGP with tor, tcp 179)',
      ],
    ])('and the allow-list holds those of %s', (_name, kubernetes, refused) => {
      const found = (more: string): string[] =>
        checkCluster(
          nodesOf(
            `${kubernetes}  egress: { allow: [10.0.0.1, "fd00::1"${more}] }\nbundle: there\n`,
          ),
        )
          .filter(({ code }) => code === 'egress-not-allowed')
          .map(({ what }) => what);
      expect(found('')).toEqual([refused]);
      expect(found(', 10.0.8.1')).toEqual([]);
    });
  });

  it('says what an inventory does not tell', () => {
    const inventory = parseInventory(
      'cluster: { name: c, secrets: { key: "command:pass show key" } }\ngroups: { g: { hosts: { a: { address: 10.0.0.1 } } } }\n',
      'c.yaml',
    );
    const said = contactsOf(inventory, { bundle: false }).unsaid.map(({ what }) => what);
    expect(said.join('\n')).toMatch(
      /distribution.*\n.*resolvers.*\na has no timeServers.*\n.*ssh_config.*\nThe secret key is/,
    );
    expect(lines(inventory, { bundle: false })).toEqual([
      'operator → 10.0.0.1 tcp 22: SSH to a (c.yaml:2:39)',
    ]);
  });
});

describe('the allow-list', () => {
  const contact = (host: string, port = 443): Contact => ({
    host,
    port,
    protocol: 'tcp',
    from: 'nodes',
    reason: '',
  });

  it.each([
    ['registry.k8s.io', contact('registry.k8s.io'), true],
    ['Registry.K8s.io', contact('registry.k8s.io'), true],
    ['registry.k8s.io:443', contact('registry.k8s.io'), true],
    ['registry.k8s.io:80', contact('registry.k8s.io'), false],
    ['k8s.io', contact('registry.k8s.io'), false],
    ['*.k8s.io', contact('registry.k8s.io'), true],
    ['*.k8s.io', contact('k8s.io'), false],
    ['*.k8s.io', contact('registryk8s.io'), false],
    ['*.pkg.dev', contact('*.pkg.dev'), true],
    ['10.0.0.1', contact('10.0.0.1', 22), true],
    ['10.0.0.1:22', contact('10.0.0.1', 22), true],
    ['10.0.0.0/24', contact('10.0.0.77', 22), true],
    ['10.0.0.0/24:22', contact('10.0.0.77', 22), true],
    ['10.0.0.0/24:23', contact('10.0.0.77', 22), false],
    ['10.0.0.0/24', contact('10.0.1.1', 22), false],
    ['0.0.0.0/0', contact('name.example.no'), false],
    ['fd00::/8', contact('fd00::1', 22), true],
    ['fd00::/8', contact('10.0.0.1', 22), false],
    ['[fd00::1]:22', contact('fd00::1', 22), true],
    ['[fd00::1]:23', contact('fd00::1', 22), false],
    ['[fd00::/8]:22', contact('fd00::1', 22), true],
  ])('%j, and %o', (entry, one, allowed) => {
    expect(isAllowed(one, [entry])).toBe(allowed);
    const egress = `  egress: { allow: [${JSON.stringify(entry)}] }\n`;
    expect(inventoryOf(egress).kubernetes.egress?.allow).toEqual([entry]);
  });

  it('is held by check: each host that is not on it once, with the line that asks for it', () => {
    const found = (entries: string): string[] =>
      checkCluster(inventoryOf(`  egress: { allow: [${entries}] }\n`), { today: '2026-11-22' })
        .filter(({ code }) => code === 'egress-not-allowed')
        .map(({ what, at }) => `${what} ${at !== undefined && 'line' in at ? at.line : ''}`);
    const inside = '10.0.0.0/24, "*.example.no", "*.k8s.io", "*.pkg.dev", "*.amazonaws.com"';
    expect(found(inside)).toEqual([
      'quay.io is contacted and not allowed (images, tcp 443) 13',
      '*.quay.io is contacted and not allowed (where quay.io sends its clients, tcp 443) 13',
    ]);
    expect(found(`${inside}, quay.io, "*.quay.io"`)).toEqual([]);
    const other = found(
      '"*.example.no", "*.k8s.io", quay.io, "*.quay.io", "*.pkg.dev", "*.amazonaws.com"',
    );
    expect(other).toHaveLength(6);
    expect(other[0]).toBe('10.0.0.1 is contacted and not allowed (SSH to cp-1, tcp 22) 8');
    const bundled = parseInventory(
      `${text}  egress: { allow: [10.0.0.0/24, "*.example.no"] }\nbundle: there\n`,
      'made.yaml',
    );
    expect(checkCluster(bundled).filter(({ code }) => code === 'egress-not-allowed')).toEqual([]);
  });
});
