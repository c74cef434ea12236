import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { proxyLeftoversKind } from '../src/kinds/proxy-leftovers.ts';
import { node, shown } from './leftovers-node.ts';
import { convergeForReal, planForReal } from '../../steps/test/harness/converge-for-real.ts';
import { canUseNamespaces } from '../../steps/test/harness/namespace.ts';
import { shells } from '../../steps/test/harness/run-fragment.ts';

/** As `iptables-save` shows a node whose kube-proxy runs in iptables mode, cut to one Service. */
const iptablesMode = `*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SEP-SXIVWICOYRO3J4NJ - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE
-A KUBE-SEP-SXIVWICOYRO3J4NJ -s 10.20.0.11/32 -m comment --comment "default/kubernetes:https" -j KUBE-MARK-MASQ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -p tcp -m comment --comment "default/kubernetes:https" -m tcp -j DNAT --to-destination 10.20.0.11:6443
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https" -j KUBE-SEP-SXIVWICOYRO3J4NJ
COMMIT
`;

/** Of the IPVS mode, as far as it differs. */
const ipvsMode = `*filter
:KUBE-FORWARD - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
COMMIT
*nat
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
COMMIT
`;

/** What belongs to nobody of Kubernetes, kube-router's policies among it. */
const foreign = `*filter
:KUBE-NWPLCY-DEFAULT - [0:0]
:KUBE-POD-FW-ABC - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "KUBE-SERVICES is not meant" -j ACCEPT
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -s 10.9.0.0/16 -j KUBE-POD-FW-ABC
COMMIT
*nat
:CNI-HOSTPORT-DNAT - [0:0]
-A PREROUTING -j CNI-HOSTPORT-DNAT
-A POSTROUTING -s 10.9.0.0/16 ! -d 10.9.0.0/16 -m comment --comment "my own" -j MASQUERADE
COMMIT
`;

const kubelet = `*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -j DROP
COMMIT
`;

/** Of networks of pods: Flannel with iptables, Cilium, Calico. */
const networks = `*filter
:CILIUM_INPUT - [0:0]
:FLANNEL-FWD - [0:0]
:cali-INPUT - [0:0]
-A INPUT -j cali-INPUT
-A INPUT -m comment --comment "cilium-feeder: CILIUM_INPUT" -j CILIUM_INPUT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.244.0.0/16 -j ACCEPT
COMMIT
*nat
:FLANNEL-POSTRTG - [0:0]
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
`;

const ipsetHere = ['/usr/sbin/ipset', '/sbin/ipset'].some((path) => existsSync(path));

describe.skipIf(!canUseNamespaces)('leftovers of kube-proxy', () => {
  test.each(shells)(
    'of the iptables mode under nftables, with %s; what is not its own stays',
    async (shell) => {
      await using it = await node();
      await it.load('iptables-nft', foreign, kubelet);
      await it.load('iptables-legacy', foreign);
      await it.run('nft add table ip kube-proxy; nft add table inet mine');
      const before = await it.saved();
      expect(
        await shown(planForReal(proxyLeftoversKind, { mode: 'nftables' }, shell, it.place)),
      ).toEqual([]);

      await it.load('iptables-nft', iptablesMode);
      await it.load('iptables-legacy', iptablesMode);
      await it.load(
        'ip6tables-nft',
        '*nat\n:KUBE-SERVICES - [0:0]\n-A OUTPUT -j KUBE-SERVICES\nCOMMIT\n',
      );
      const changes = convergeForReal(proxyLeftoversKind, { mode: 'nftables' }, shell, it.place);
      expect(await shown(changes)).toEqual([
        'iptables-nft nat: 7 chains, 3 jumps',
        'iptables-nft filter: 6 chains, 6 jumps',
        'iptables-nft mangle: 1 chain, 0 jumps',
        'ip6tables-nft nat: 1 chain, 1 jump',
        'iptables-legacy nat: 7 chains, 3 jumps',
        'iptables-legacy filter: 6 chains, 6 jumps',
        'iptables-legacy mangle: 1 chain, 0 jumps',
      ]);
      const after = await it.saved();
      expect(after).toBe(before);
    },
  );

  test.each(shells)(
    'that kube-proxy itself takes away at the same time, with %s',
    async (shell) => {
      await using it = await node();
      await it.load('iptables-nft', iptablesMode);
      const folder = mkdtempSync(join(tmpdir(), 'faster-'));
      // Between what is read and what is written of the filter table, a rule goes.
      writeFileSync(
        join(folder, 'iptables-nft-restore'),
        `#!/bin/sh
if mkdir ${folder}/gone 2>/dev/null; then
  iptables-nft -D FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD || exit
fi
exec "$(command -v -- iptables-nft | sed 's/$/-restore/')" "$@"
`,
        { mode: 0o755 },
      );
      const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
      const options = { ...it.place, env };
      await convergeForReal(proxyLeftoversKind, { mode: 'nftables' }, shell, options);
      expect(existsSync(join(folder, 'gone'))).toBe(true);
      rmSync(folder, { recursive: true });
    },
  );

  test('of the iptables mode under IPVS, which leave the chains of both', async () => {
    await using it = await node();
    await it.load('iptables-nft', kubelet, iptablesMode, ipvsMode);
    await it.run('nft add table ip6 kube-proxy');
    expect(
      await shown(convergeForReal(proxyLeftoversKind, { mode: 'ipvs' }, 'dash', it.place)),
    ).toEqual([
      'iptables-nft nat: 4 chains, 0 jumps',
      'iptables-nft filter: 4 chains, 5 jumps',
      'iptables-nft mangle: 1 chain, 0 jumps',
      'nftables table ip6 kube-proxy',
    ]);
    const left = await it.run(
      'iptables-nft-save | sed -n "s/^:\\(KUBE[^ ]*\\).*/\\1/p" | sort -u | xargs',
    );
    expect(left).toBe(
      'KUBE-FIREWALL KUBE-FORWARD KUBE-IPTABLES-HINT KUBE-IPVS-FILTER KUBE-KUBELET-CANARY KUBE-LOAD-BALANCER KUBE-MARK-MASQ KUBE-NODE-PORT KUBE-POSTROUTING KUBE-PROXY-FIREWALL KUBE-SERVICES',
    );
  });

  test('of IPVS where nothing of kube-proxy runs: chains, sets, the interface', async () => {
    await using it = await node();
    await it.load('iptables-nft', ipvsMode);
    await it.run(
      'ip link add kube-ipvs0 type veth peer name other && ip addr add 10.96.0.1/32 dev kube-ipvs0',
    );
    if (ipsetHere) {
      await it.run(
        'ipset create KUBE-6-CLUSTER-IP hash:ip,port family inet6; ipset create KUBE-CLUSTER-IP hash:ip,port; ipset create KUBE-DST-FOREIGN hash:ip',
      );
      await it.run(
        'iptables-nft -t nat -A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT',
      );
    }
    expect(
      await shown(convergeForReal(proxyLeftoversKind, { mode: 'none' }, 'dash', it.place)),
    ).toEqual([
      'iptables-nft nat: 5 chains, 1 jump',
      'iptables-nft filter: 4 chains, 4 jumps',
      ...(ipsetHere ? ['IP sets: KUBE-6-CLUSTER-IP, KUBE-CLUSTER-IP'] : []),
      'interface kube-ipvs0',
    ]);
    if (ipsetHere) expect(await it.run('ipset list -n')).toBe('KUBE-DST-FOREIGN');
  });

  test('a chain that somebody else jumps to is left to him', async () => {
    await using it = await node();
    await it.load(
      'iptables-nft',
      ipvsMode,
      '*nat\n:MINE - [0:0]\n-A MINE -j KUBE-MARK-MASQ\nCOMMIT\n',
    );
    await convergeForReal(proxyLeftoversKind, { mode: 'nftables' }, 'dash', it.place);
    expect(await it.run('iptables-nft-save -t nat | grep -e KUBE')).toMatch(
      /^:KUBE-MARK-MASQ - \S+\n-A MINE -j KUBE-MARK-MASQ$/,
    );
  });

  test.each(shells)(
    'nothing of Kubernetes at all, and all that is foreign, with %s',
    async (shell) => {
      await using it = await node();
      // What others run beside a cluster, with no word of Kubernetes in it.
      const theirs = `*filter
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -s 10.9.0.0/16 -j DROP
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 10.9.0.0/16 ! -d 10.9.0.0/16 -m comment --comment "my own" -j MASQUERADE
COMMIT
`;
      await it.load('iptables-nft', theirs);
      await it.load('iptables-legacy', theirs);
      await it.run(
        'nft add table inet mine; nft add table ip6 flannel-ipv4; nft add table inet flannel-ipv4; nft add table ip mine-flannel-ipv4',
      );
      const foreignTables =
        'nft list tables | grep -e mine -e "ip6 flannel-ipv4" -e "inet flannel"';
      const before = [await it.saved(), await it.run(foreignTables)];

      await it.load('iptables-nft', kubelet, iptablesMode, ipvsMode, networks);
      await it.load('iptables-legacy', iptablesMode, networks);
      await it.run(
        'for t in "ip kube-proxy" "ip6 kube-proxy" "ip flannel-ipv4" "ip6 flannel-ipv6"; do nft add table $t; nft add chain $t filled; done',
      );
      expect(
        (
          await shown(convergeForReal(proxyLeftoversKind, { mode: 'absent' }, shell, it.place))
        ).filter((line) => line.startsWith('nftables')),
      ).toEqual([
        'nftables table ip kube-proxy',
        'nftables table ip6 kube-proxy',
        'nftables table ip flannel-ipv4',
        'nftables table ip6 flannel-ipv6',
      ]);
      expect([await it.saved(), await it.run(foreignTables)]).toEqual(before);
      expect(await planForReal(proxyLeftoversKind, { mode: 'absent' }, shell, it.place)).toEqual(
        [],
      );
    },
  );

  test('what a chain jumps to that somebody else uses is left to him, too', async () => {
    await using it = await node();
    await it.load(
      'iptables-nft',
      iptablesMode,
      '*nat\n:MINE - [0:0]\n-A MINE -j KUBE-SVC-NPX46M4PTMTKRN6Y\nCOMMIT\n',
    );
    await convergeForReal(proxyLeftoversKind, { mode: 'absent' }, 'dash', it.place);
    expect(
      await it.run('iptables-nft-save | sed -n "s/^:\\(KUBE[^ ]*\\).*/\\1/p" | sort | xargs'),
    ).toBe('KUBE-MARK-MASQ KUBE-SEP-SXIVWICOYRO3J4NJ KUBE-SVC-NPX46M4PTMTKRN6Y');
  });

  test('Flannel’s tables stay while it runs, whatever the mode of kube-proxy', async () => {
    await using it = await node();
    await it.run('nft add table ip flannel-ipv4; nft add table ip6 flannel-ipv6');
    for (const mode of ['nftables', 'ipvs', 'iptables', 'none'] as const) {
      expect(await planForReal(proxyLeftoversKind, { mode }, 'dash', it.place)).toEqual([]);
    }
  });

  test('nothing of Kubernetes beside policies of others', async () => {
    await using it = await node();
    await it.load('iptables-nft', foreign, kubelet, iptablesMode);
    await convergeForReal(proxyLeftoversKind, { mode: 'absent' }, 'dash', it.place);
    expect(await it.run('iptables-nft-save | grep -e "^:KUBE" | sed "s/ .*//" | xargs')).toBe(
      ':KUBE-NWPLCY-DEFAULT :KUBE-POD-FW-ABC',
    );
    const [change] = await planForReal(proxyLeftoversKind, { mode: 'absent' }, 'dash', it.place);
    expect(change).toBeUndefined();
  });
});
