import { describe, expect, test } from 'vitest';
import { checkCluster, type CheckOptions } from '../src/index.ts';
import { factsFrom } from './broken-hosts.ts';
import { changed, marked, sound } from './marked-inventory.ts';

const today = '2026-11-22';

describe('pools of addresses', () => {
  test('what kube-proxy and CNIs put on interfaces of their own are no addresses of nodes', () => {
    const of = (...names: string[]) =>
      names.map((name) => ({ name, mtu: 1500, addresses: ['10.20.1.5/32'] }));
    const own = of('kube-ipvs0', 'cni0', 'lxc12ab', 'cali12ab', 'cilium_host', 'flannel.1');
    const { inventory } = marked(sound);
    const found = (interfaces: typeof own): string[] =>
      checkCluster(inventory, { today, facts: factsFrom({ 'w-1': { interfaces } }) }).map(
        ({ what }) => what,
      );
    expect(found(own)).toEqual([]);
    expect(found([...own, ...of('eth1')])).toEqual([
      'eth1 of w-1 has 10.20.1.5, which lies in 10.20.1.0/27 of the pool "edge"',
    ]);
  });

  test('an address of the inventory in a pool is told once, facts or not', () => {
    const { inventory } = marked(
      changed(['10.20.0.22', '10.20.1.5'], ['10.20.0.10,', '10.20.1.6,']),
    );
    const addresses = ['10.20.1.5/16', '10.20.1.6/32'];
    const facts = factsFrom({ 'w-2': { interfaces: [{ name: 'eth0', mtu: 1500, addresses }] } });
    const codes = (options: CheckOptions): string[] =>
      checkCluster(inventory, { today, ...options }).map(({ code }) => code);
    expect(codes({})).toEqual(['pool-contains-node', 'pool-contains-node']);
    expect(codes({ facts })).toEqual(codes({}));
  });

  test('a pool of IPv6 is told by L2, whatever it is to MetalLB’s own BGP', () => {
    const text = changed(['addresses: [10.20.1.0/27]', 'addresses: ["fd00:20::/112"]']);
    expect(checkCluster(marked(text).inventory, { today })).toEqual([]);
  });

  test('BFD of MetalLB’s old ConfigMap is refused where it stands', () => {
    const text = changed([
      '      pools:\n        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }',
      `      address-pools: [{ name: edge, protocol: bgp, addresses: [10.20.1.0/27] }]
      peers: [«{ peer-address: 10.20.0.1, peer-asn: 1, my-asn: 2, bfd-profile: fast }»]`,
    ]);
    const { inventory, mark } = marked(text);
    const found = checkCluster(inventory, { today }).map(({ code, at }) => {
      return at !== undefined && 'file' in at ? [code, `${at.line}:${at.column}+${at.length}`] : [];
    });
    expect(found.map(([code]) => code)).toEqual(['metallb-legacy-form', 'metallb-native-bgp']);
    expect(found[1]?.[1]).toBe(mark);
  });
});
