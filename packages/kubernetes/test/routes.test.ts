import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, routesKind } from '../src/kinds/routes.ts';
import { convergeForReal, planForReal } from '../../steps/test/harness/converge-for-real.ts';
import { canUseNamespaces } from '../../steps/test/harness/namespace.ts';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { routedConflist } from '../src/networks/routed.ts';
import { cniPlugins, segment, type Place, type Segment } from './segment.ts';

const network = '10.244.0.0/16';
const desiredOf = (last: number) =>
  routes({ address: `10.20.0.${last}`, network, block: `10.244.${last}.0/24` }).desired;

const plugins = cniPlugins();

const withBridge = `
printf %s "$3" | CNI_COMMAND=ADD CNI_CONTAINERID="pod$1" CNI_NETNS="/proc/$1/ns/net" CNI_IFNAME=eth0 CNI_PATH=$4 "$4/bridge"`;

const likeBridge = `
set -e
if ! ip link show cni0 >/dev/null 2>&1; then
  ip link add cni0 type bridge
  ip addr add "\${2%.*}.1/24" dev cni0
  ip link set cni0 mtu 1400 up
fi
ip link add "veth$1" mtu 1400 type veth peer name eth0 mtu 1400 netns "$1"
ip link set "veth$1" master cni0 up
nsenter -t "$1" -n ip addr add "$2/24" dev eth0
nsenter -t "$1" -n ip link set eth0 up
nsenter -t "$1" -n ip route add default via "\${2%.*}.1"`;

/** A server for one connection, which prints who came. */
const tellPeer = `require('node:net').createServer((peer) => {
  console.log(peer.remoteAddress);
  peer.destroy();
  process.exit();
}).listen(8080)`;

describe.skipIf(!canUseNamespaces)('routes', () => {
  let lan: Segment;
  beforeAll(async () => {
    lan = await segment(1400);
  });
  afterAll(() => lan[Symbol.asyncDispose]());

  /** A pod, made by the real bridge plugin where this machine has it, else as the plugin does it. */
  const podOn = async (node: Place, address: string): Promise<Place> => {
    const pod = await lan.pod();
    const {
      plugins: [bridge],
    } = JSON.parse(routedConflist(address.replace(/\d+$/, '0/24'), 1400)) as { plugins: object[] };
    const args = { cni: { ips: [address] } };
    const given = JSON.stringify({ cniVersion: '1.0.0', name: 'skerry', args, ...bridge });
    await node.run(
      plugins === undefined ? likeBridge : withBridge,
      pod.pid,
      address,
      given,
      plugins ?? '',
    );
    return pod;
  };
  /** Whether an answer comes; packets carry don't-fragment (net.ipv4.ip_no_pmtu_disc is 0). */
  const answers = async (from: Place, to: string, payload = 56): Promise<boolean> =>
    (await from.status('busybox ping -c 1 -W 1 -s "$2" "$1"', to, String(payload))) === 0;
  const fragments = (place: Place): Promise<string> =>
    place.run(
      `while read -r -a names && read -r -a values; do
  for at in "\${!names[@]}"; do if [ "\${names[at]}" = FragCreates ]; then echo "\${values[at]}"; fi; done
done </proc/net/snmp`,
    );

  test('pods of two nodes reach each other at full MTU, and a third joins without them', async () => {
    const [one, two] = [await lan.node('10.20.0.11'), await lan.node('10.20.0.12')];
    const changes = await convergeForReal(routesKind, desiredOf(11), 'dash', one);
    expect(changes.map(({ subject, action }) => `${action} ${subject}`)).toEqual([
      'create route 10.244.0.0/16 (live)',
      'create ARP answers for 10.244.11.0/24 (live)',
      'update net.ipv4.neigh.eth0.proxy_delay (live)',
      'create nftables table ip skerry_routes (live)',
    ]);
    await convergeForReal(routesKind, desiredOf(12), 'dash', two);
    const [a, b] = [await podOn(one, '10.244.11.7'), await podOn(two, '10.244.12.254')];
    expect(await answers(a, '10.244.12.254', 1372)).toBe(true);
    expect(await answers(b, '10.244.11.7', 1372)).toBe(true);
    expect(await fragments(a)).toBe('0');
    // One byte more does not fit: nothing was cut before.
    await answers(a, '10.244.12.254', 1373);
    expect(await fragments(a)).toBe('2');
    expect(await answers(one, '10.244.12.254')).toBe(true);

    const before = await Promise.all(
      [one, two].map((node) => node.run('ip route; ip neigh show proxy')),
    );
    const three = await lan.node('10.20.0.13');
    await convergeForReal(routesKind, desiredOf(13), 'dash', three);
    const c = await podOn(three, '10.244.13.2');
    expect(await answers(a, '10.244.13.2', 1372)).toBe(true);
    expect(await answers(c, '10.244.12.254', 1372)).toBe(true);
    expect(
      await Promise.all([one, two].map((node) => node.run('ip route; ip neigh show proxy'))),
    ).toEqual(before);
  });

  test('between pods addresses stay, towards others the node stands for its pods', async () => {
    const [one, two] = [await lan.node('10.20.0.21'), await lan.node('10.20.0.22')];
    for (const [node, last] of [
      [one, 21],
      [two, 22],
    ] as const) {
      await convergeForReal(routesKind, desiredOf(last), 'dash', node);
    }
    const [a, b] = [await podOn(one, '10.244.21.2'), await podOn(two, '10.244.22.2')];
    const outside = await lan.node('10.20.0.200');
    const seen = async (place: Place, to: string): Promise<string> => {
      const served = place.run('"$1" -e "$2"', process.execPath, tellPeer);
      await place.run('until [ -n "$(ss -Hltn sport = :8080)" ]; do sleep 0.05; done');
      await a.run('busybox nc -w 5 "$1" 8080 </dev/null', to);
      return served;
    };
    expect(await seen(b, '10.244.22.2')).toContain('10.244.21.2');
    const fromOutside = await seen(outside, '10.20.0.200');
    expect(fromOutside).toContain('10.20.0.21');
    expect(fromOutside).not.toContain('10.244.21.2');
  });

  test('answers ARP for its own pods only, whatever else it has routes to', async () => {
    const node = await lan.node('10.20.0.31');
    const asker = await lan.node('10.20.0.32');
    await convergeForReal(routesKind, desiredOf(31), 'dash', node);
    // Another interface, with another network behind it: to answer for that would be to hijack it.
    await node.run(
      'ip link add other type veth peer name far && ip link set far up && ip addr add 10.30.0.1/24 dev other && ip link set other up',
    );
    await podOn(node, '10.244.31.2');
    await asker.run('ip route add 10.30.0.0/24 dev eth0; ip route add 10.244.0.0/16 dev eth0');
    expect(await answers(asker, '10.244.31.2')).toBe(true);
    expect(await answers(asker, '10.30.0.9')).toBe(false);
    expect(await answers(asker, '10.244.99.9')).toBe(false);
    expect(await asker.run('ip neigh show 10.30.0.9; ip neigh show 10.244.99.9')).not.toContain(
      'lladdr',
    );
  });

  test.each(shells)(
    'puts back what something else removed, and removes what is no longer wanted (%s)',
    async (shell) => {
      const node = await lan.node('10.20.0.41');
      await convergeForReal(routesKind, desiredOf(41), shell, node);
      await node.run('ip link set eth0 down; ip link set eth0 up; nft flush ruleset');
      const again = await planForReal(routesKind, desiredOf(41), shell, node);
      expect(again.map(({ action }) => action)).toEqual(['create', 'create', 'create']);
      await convergeForReal(routesKind, desiredOf(41), shell, node);

      await node.run(
        'ip route add 10.99.0.0/16 dev eth0 proto 83; ip neigh add proxy 10.99.0.1 dev eth0 protocol 83; ip neigh del proxy 10.244.41.9 dev eth0; ip route add 10.98.0.0/16 dev eth0 proto static; ip neigh add proxy 10.98.0.1 dev eth0; nft add table ip foreign',
      );
      const changes = await convergeForReal(routesKind, desiredOf(41), shell, node);
      expect(changes.map(({ subject, action }) => `${action} ${subject}`)).toEqual([
        'delete route 10.99.0.0/16 (live)',
        'update ARP answers for 10.244.41.0/24 (live)',
        'delete ARP answers for others (live)',
      ]);

      const gone = await convergeForReal(routesKind, { absent: true }, shell, node);
      expect(gone.map(({ subject, action }) => `${action} ${subject}`)).toEqual([
        'delete route 10.244.0.0/16 (live)',
        'delete ARP answers for pods (live)',
        'delete nftables table ip skerry_routes (live)',
      ]);
      expect(await node.run('ip route; ip neigh show proxy; nft list tables')).toBe(
        '10.20.0.0/24 dev eth0 proto kernel scope link src 10.20.0.41 \n10.98.0.0/16 dev eth0 proto static scope link \n10.98.0.1 dev eth0 proxy \ntable ip foreign',
      );
    },
  );

  test.each(shells)(
    'refuses where it does not know the segment, and where somebody else routes the pods (%s)',
    async (shell) => {
      const node = await lan.node('10.20.0.51');
      const [lost] = await planForReal(routesKind, desiredOf(52), shell, node);
      expect(lost).toMatchObject({ action: 'refuse', why: expect.stringContaining('10.20.0.52') });
      await node.run('ip route add 10.244.7.0/24 via 10.20.0.1 proto bird');
      const [foreign] = await planForReal(routesKind, desiredOf(51), shell, node);
      expect(foreign).toMatchObject({
        action: 'refuse',
        before: expect.stringContaining('10.244.7.0/24'),
      });
      const result = await runFragment(
        shell,
        routesKind.converge(routesKind.schema.parse(desiredOf(52)), []),
        node,
      );
      expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('10.20.0.52') });
    },
  );
});
