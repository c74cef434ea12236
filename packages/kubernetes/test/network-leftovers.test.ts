import { describe, expect, test } from 'vitest';
import { proxyLeftoversKind } from '../src/kinds/proxy-leftovers.ts';
import { node, shown } from './leftovers-node.ts';
import { convergeForReal, planForReal } from '../../steps/test/harness/converge-for-real.ts';
import { canUseNamespaces } from '../../steps/test/harness/namespace.ts';
import { shells } from '../../steps/test/harness/run-fragment.ts';

describe.skipIf(!canUseNamespaces)('leftovers of networks of pods', () => {
  /** As portmap writes it for a network: `CNI-DN-` and a hash of it and the container. */
  const forwarded = (network: string, port: number, hash: string): string => `*nat
:CNI-DN-${hash} - [0:0]
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"${network}\\" id: \\"c0ffee\\"" -m multiport --dports ${port} -j CNI-DN-${hash}
-A CNI-DN-${hash} -s 10.9.0.7/32 -p tcp -m tcp --dport ${port} -j CNI-HOSTPORT-SETMARK
-A CNI-DN-${hash} -p tcp -m tcp --dport ${port} -j DNAT --to-destination 10.9.0.7:80
COMMIT
`;
  const entries = `*nat
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
COMMIT
`;
  const firewalled = `*filter
:CNI-ADMIN - [0:0]
:CNI-FORWARD - [0:0]
-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
COMMIT
`;

  test.each(
    shells.flatMap((shell) =>
      ['iptables-nft', 'iptables-legacy'].map((program) => [shell, program] as const),
    ),
  )('forwarded ports of pods go, those of others stay, with %s and %s', async (shell, program) => {
    await using it = await node();
    await it.run('nft add table inet mine');
    // As Podman or nerdctl have it, one whose name only begins like that of ours.
    await it.load(
      program,
      entries,
      firewalled,
      forwarded('podman', 8080, '0123'),
      forwarded('skerry-2', 8081, '4567'),
    );
    const before = await it.saved();
    expect(before).toMatch(/"podman[^]*"skerry-2/);
    expect(await planForReal(proxyLeftoversKind, { mode: 'absent' }, shell, it.place)).toEqual([]);

    await it.load(
      program,
      ...['skerry', 'cbr0', 'k8s-pod-network'].map((name, at) =>
        forwarded(name, 9000 + at, `89a${at}`),
      ),
    );
    // Pods have theirs as long as there is a cluster.
    expect(await planForReal(proxyLeftoversKind, { mode: 'none' }, shell, it.place)).toEqual([]);
    const changes = convergeForReal(proxyLeftoversKind, { mode: 'absent' }, shell, it.place);
    expect(await shown(changes)).toEqual([`${program} nat: 3 chains, 3 jumps`]);
    expect(await it.saved()).toBe(before);
  });

  test('where nobody else forwards ports nothing of portmap is left', async () => {
    await using it = await node();
    await it.run('nft add table inet mine');
    await it.load('iptables-nft', firewalled);
    const before = await it.saved();
    await it.load('iptables-nft', entries, forwarded('skerry', 8080, '0123'));
    expect(
      await shown(convergeForReal(proxyLeftoversKind, { mode: 'absent' }, 'dash', it.place)),
    ).toEqual(['iptables-nft nat: 4 chains, 3 jumps']);
    expect(await it.saved()).toBe(before);
  });

  test('of Calico and Cilium no untracked connections and no IP sets are left', async () => {
    await using it = await node();
    await it.run(
      'nft add table inet mine; ipset create mine hash:ip; ipset create calico-mine hash:ip',
    );
    await it.load('iptables-nft', '*raw\n:MINE - [0:0]\n-A PREROUTING -j MINE\nCOMMIT\n');
    const before = await it.saved();
    await it.run(
      'for set in cali40s:a-b_C cali40all-ipam-pools cali60u:x cali4t7; do ipset create "$set" hash:net; done',
    );
    await it.load(
      'iptables-nft',
      `*raw
:cali-PREROUTING - [0:0]
:CILIUM_PRE_raw - [0:0]
-A PREROUTING -j cali-PREROUTING
-A PREROUTING -j CILIUM_PRE_raw
-A cali-PREROUTING -m set --match-set cali40s:a-b_C src -j NOTRACK
COMMIT
`,
    );
    expect(await planForReal(proxyLeftoversKind, { mode: 'none' }, 'dash', it.place)).toEqual([]);
    const changes = convergeForReal(proxyLeftoversKind, { mode: 'absent' }, 'dash', it.place);
    expect(await shown(changes)).toEqual([
      'iptables-nft raw: 2 chains, 2 jumps',
      'IP sets: cali40s:a-b_C, cali40all-ipam-pools, cali60u:x, cali4t7',
    ]);
    expect(await it.saved()).toBe(before);
    expect(await it.run('ipset list -n | sort | xargs')).toBe('calico-mine mine');
  });
});
