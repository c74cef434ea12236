import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canUseNamespaces, namespace } from '../../steps/test/harness/namespace.ts';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { clusterVerification } from '../src/index.ts';
import { parseClusterView, type ClusterView } from '../src/verification/cluster-view.ts';
import { speakerNodes } from '../src/verification/speaker-nodes.ts';
import {
  checkNamed,
  findings,
  inventoryOf,
  judge,
  noon,
  recorded,
  said,
  viewOf,
} from './verification-view.ts';

const check = checkNamed('bgp-sessions');
const whats = (view: ClusterView, answers: Parameters<typeof judge>[2]): string[] =>
  findings(judge('bgp-sessions', view, answers)).map(({ what }) => what);

/** A node's answer: what Cilium's agent says, and the lines of the other half. */
const answer = (lines: readonly string[], agent = '') =>
  said(`${agent}=====\n${lines.map((one) => `${one}\n`).join('')}`);
/** As ss prints it. */
const connection = (own: string, other: string): string => `0      0      ${own}    ${other}   `;

const tor = '{ name: tor, address: 192.168.121.1, asn: 64500, localAsn: 64512 }';
const metallb = (peers = tor): string => `  loadBalancer:
    metallb:
      pools: [{ name: edge, addresses: [10.20.1.0/27], advertise: bgp }]
      peers: [${peers}]
`;

describe('BGP of MetalLB', () => {
  const view = viewOf(inventoryOf({ more: metallb() }));
  const up = answer([connection('192.168.121.11:47110', '192.168.121.1:179')]);

  it('is judged by the connections of the speakers', () => {
    const other = answer([connection('192.168.121.12:22', '192.168.121.1:40122')]);
    expect(judge('bgp-sessions', view, { 'lab-1': up })).toEqual({
      status: 'passed',
      looked: '1 session of 1: lab-1 – 192.168.121.1 (AS 64500)',
    });
    expect(whats(view, { 'lab-1': up, 'lab-2': other })).toEqual([
      'lab-2: the session with 192.168.121.1 (AS 64500) is not connected',
    ]);
  });

  it('has a finding for every node without a speaker, whatever others have', () => {
    const found = findings(judge('bgp-sessions', view, { 'lab-1': up, 'lab-2': answer(['none']) }));
    expect(found).toEqual([
      expect.objectContaining({
        what: 'lab-2: the session with 192.168.121.1 (AS 64500) is not connected',
        why: 'no speaker of MetalLB runs on this node',
      }),
    ]);
    const nodes = { ...view, speakers: new Set(['lab-1', 'lab-2']) };
    expect(whats(nodes, { 'lab-1': up, 'lab-2': answer(['none']) })).toHaveLength(1);
    expect(whats(nodes, { 'lab-1': answer(['none']), 'lab-2': answer(['none']) })).toHaveLength(2);
  });

  it('has none for nodes that its DaemonSet leaves out', () => {
    const one = { ...view, speakers: new Set(['lab-1']) };
    expect(judge('bgp-sessions', one, { 'lab-1': up, 'lab-2': answer(['none']) })).toEqual({
      status: 'passed',
      looked: '1 session of 1: lab-1 – 192.168.121.1 (AS 64500); none on lab-2',
    });
    expect(judge('bgp-sessions', one, { 'lab-2': answer(['none']) })).toEqual({
      status: 'skipped',
      reason: 'none of these nodes is to have a session',
    });
    const nowhere = { ...view, speakers: new Set<string>() };
    expect(whats(nowhere, { 'lab-2': answer(['none']) })).toEqual(['no node has a BGP session']);
  });

  it('knows IPv6, however it is written, and IPv4 of a socket of IPv6', () => {
    const peers = `${tor}, { name: six, address: "fd00:0::1", asn: 64500, localAsn: 64512, port: 1179 }`;
    const both = viewOf(inventoryOf({ more: metallb(peers) }));
    expect(check.fragment?.(both, 'lab-1')?.args.slice(2)).toEqual([
      '192.168.121.1',
      '[fd00:0::1]',
    ]);
    const lines = [
      connection('[fd00::b]:47110', '[fd00::1]:1179'),
      connection('[::ffff:192.168.121.11]:179', '[::ffff:192.168.121.1]:40122'),
    ];
    expect(judge('bgp-sessions', both, { 'lab-1': answer(lines) }).status).toBe('passed');
    expect(whats(both, { 'lab-1': answer(lines.slice(1)) })).toEqual([
      'lab-1: the session with fd00:0::1 (AS 64500) is not connected',
    ]);
  });

  it('asks the API where speakers are to run, only where they have peers', () => {
    const asked = (more: string) => clusterVerification(inventoryOf({ more }))?.read.args.at(-1);
    expect(asked(metallb())).toBe('yes');
    expect(asked(metallb(''))).toBe('no');
    expect(asked('')).toBe('no');
  });
});

describe('nodes that the speaker is to run on', () => {
  const text = (wanted: number | undefined, ...nodes: readonly string[]): string =>
    JSON.stringify({
      kind: 'List',
      items: [
        ...(wanted === undefined
          ? []
          : [
              {
                kind: 'DaemonSet',
                metadata: { name: 'speaker' },
                status: { desiredNumberScheduled: wanted, numberReady: 0 },
              },
            ]),
        ...nodes.map((nodeName) => ({
          kind: 'Pod',
          metadata: { name: `speaker-${nodeName}` },
          spec: { nodeName },
          status: { phase: 'Pending' },
        })),
      ],
    });

  it('are those with a pod, running or not', () => {
    expect(speakerNodes(text(2, 'lab-1', 'lab-2'))).toEqual(new Set(['lab-1', 'lab-2']));
    expect(speakerNodes(text(0))).toEqual(new Set());
    const inventory = inventoryOf({ more: metallb() });
    const printed = said(`${recorded('cluster.txt')}=====\n${text(1, 'lab-1')}\n`);
    const parsed = parseClusterView(printed, { inventory, now: noon, setUpFailure: undefined });
    expect(parsed.speakers).toEqual(new Set(['lab-1']));
    expect([...parsed.probes.keys()]).toEqual([...viewOf().probes.keys()]);
    expect(viewOf().speakers).toBeUndefined();
  });

  it('are not known where pods or the DaemonSet are missing', () => {
    expect(speakerNodes(text(2, 'lab-1'))).toBeUndefined();
    expect(speakerNodes(text(undefined))).toBeUndefined();
    expect(speakerNodes(text(undefined, 'lab-1'))).toBeUndefined();
  });
});

describe('BGP of Cilium', () => {
  const own = viewOf(inventoryOf({ network: 'cni: { cilium: { bgp: true } }, proxy: none' }));
  const pools = (advertise: string) =>
    viewOf(
      inventoryOf({
        network: 'cni: cilium, proxy: none',
        more: `  loadBalancer:
    cilium:
      pools: [{ name: edge, addresses: [10.20.1.0/27], advertise: ${advertise} }]
      peers: [${tor}]
`,
      }),
    );
  const agent = (...peers: readonly (readonly [address: string, state: string])[]) =>
    answer(
      ['none'],
      `${JSON.stringify(peers.map(([address, state]) => ({ 'peer-address': address, 'peer-asn': 64500, 'session-state': state })))}\n`,
    );

  it('is looked at where the CNI or a pool turns it on', () => {
    expect(check.skip?.(own)).toBeUndefined();
    expect(check.skip?.(pools('bgp'))).toBeUndefined();
    expect(check.fragment?.(pools('bgp'), 'lab-1')?.args[0]).toBe('yes');
    expect(check.skip?.(pools('l2'))).toBe('the inventory has no BGP peer');
  });

  it('is judged by the states that its agent gives', () => {
    const answers = (state: string) => ({ 'lab-1': agent(['192.168.121.1', state]) });
    for (const view of [own, pools('bgp')]) {
      expect(judge('bgp-sessions', view, answers('established'))).toEqual({
        status: 'passed',
        looked: '1 session of 1: lab-1 – 192.168.121.1 (AS 64500)',
      });
      expect(whats(view, answers('active'))).toEqual([
        'lab-1: the session with 192.168.121.1 (AS 64500) is active',
      ]);
    }
  });

  it('has every router of the inventory on every node', () => {
    const one = agent(['192.168.121.1', 'established']);
    for (const none of [agent(), answer(['none'], 'null\n')]) {
      expect(whats(pools('bgp'), { 'lab-1': one, 'lab-2': none })).toEqual([
        'lab-2: the session with 192.168.121.1 (AS 64500) is missing',
      ]);
      // Routers by objects of somebody else may be for some nodes only.
      expect(judge('bgp-sessions', own, { 'lab-1': one, 'lab-2': none })).toEqual({
        status: 'passed',
        looked: '1 session of 1: lab-1 – 192.168.121.1 (AS 64500); none on lab-2',
      });
      expect(whats(own, { 'lab-1': none })).toEqual(['no node has a BGP session']);
    }
  });

  it('has a finding for every node whose agent is dead', () => {
    const dead = said('', { code: 1, stderr: 'no process cilium-agent runs on this node\n' });
    const one = agent(['192.168.121.1', 'established']);
    expect(whats(pools('bgp'), { 'lab-1': one, 'lab-2': dead })).toEqual([
      'lab-2: BGP sessions could not be read',
    ]);
  });

  it('does not hide the sessions of MetalLB beside it', () => {
    const network = 'cni: { cilium: { bgp: true } }, proxy: none';
    const both = viewOf(inventoryOf({ network, more: metallb() }));
    expect(whats(both, { 'lab-1': agent(['10.0.0.9', 'established']) })).toEqual([
      'lab-1: the session with 192.168.121.1 (AS 64500) is not connected',
    ]);
  });
});

describe('BGP of Calico', () => {
  const calico = (more: string, limit?: number): ClusterView => {
    const view = viewOf(inventoryOf({ network: `cni: { calico: { ${more} } }, proxy: nftables` }));
    return { ...view, nodes: view.nodes.slice(0, limit) };
  };
  const router = 'peers: [{ name: tor, address: 192.168.121.1, asn: 64500 }]';
  const toRouter = connection('192.168.121.11:40001', '192.168.121.1:179');
  const toNode = connection('192.168.121.11:179', '192.168.121.12:33001');

  it('is the connection of every node to every router, and to every other node of the mesh', () => {
    const view = calico(`bgp: true, ${router}`);
    expect(check.skip?.(view)).toBeUndefined();
    expect(check.fragment?.(view, 'lab-1')?.args.slice(2)).toEqual([
      '192.168.121.1',
      '192.168.121.12',
    ]);
    expect(judge('bgp-sessions', view, { 'lab-1': answer(['none', toRouter, toNode]) })).toEqual({
      status: 'passed',
      looked:
        '2 sessions of 2: lab-1 – 192.168.121.1 (AS 64500), lab-1 – 192.168.121.12 (AS 64512)',
    });
    // The other node's ports are not those of BGP.
    const ssh = connection('192.168.121.11:22', '192.168.121.12:33001');
    expect(whats(view, { 'lab-1': answer(['none', toRouter, ssh]) })).toEqual([
      'lab-1: the session with 192.168.121.12 (AS 64512) is not connected',
    ]);
    expect(whats(view, { 'lab-1': answer(['none']) })).toHaveLength(2);
  });

  it('is routers only, without the mesh', () => {
    const view = calico(`bgp: true, nodeMesh: false, ${router}`);
    expect(check.fragment?.(view, 'lab-2')?.args.slice(2)).toEqual(['192.168.121.1']);
  });

  it.each([
    ['bgp: true, nodeMesh: false', undefined, 'the inventory has no BGP peer'],
    [`bgp: false, ${router}`, undefined, 'the inventory has no BGP peer'],
    ['bgp: true', 1, 'nodes only peer with each other, and no two have an IPv4 address'],
  ])('is skipped with the true reason: %s', (more, limit, reason) => {
    expect(check.skip?.(calico(more, limit))).toBe(reason);
  });

  it('tells of a large mesh how many sessions each node has', () => {
    const view = calico('bgp: true');
    const [first] = view.nodes;
    if (first === undefined) throw new Error('there is no node');
    const nodes = Array.from({ length: 40 }, (_, at) => ({
      ...first,
      name: `n-${at}`,
      addresses: [`10.0.0.${at}`],
    }));
    const lines = nodes.map(({ addresses: [to] }) => connection('10.0.0.0:179', `${to}:4000`));
    expect(judge('bgp-sessions', { ...view, nodes }, { 'n-0': answer(lines) })).toEqual({
      status: 'passed',
      looked: '39 sessions of 39: n-0 39',
    });
  });
});

describe.skipIf(!canUseNamespaces)('BGP, for real', () => {
  const talk = `
const net = require('node:net');
let open = 0;
for (const [host, port] of [['127.0.0.2', 1179], ['::1', 179]]) {
  net.createServer(() => { if (++open === 2) console.log('open'); }).listen(port, host, () => {
    net.connect(port, host);
  });
}`;
  const peers =
    '{ name: a, address: 127.0.0.2, port: 1179, asn: 64500, localAsn: 64512 }, { name: b, address: "::0001", asn: 64500, localAsn: 64512 }, { name: c, address: 127.0.0.3, asn: 64500, localAsn: 64512 }';

  it.each(shells)('reads the agent of Cilium and the connections under %s', async (shell) => {
    await using place = await namespace();
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'skerry-bgp-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const start = (words: readonly string[]) => {
      const [program = '', ...args] = [...place.inside, ...words];
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      stack.defer(async () => {
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        await closed;
      });
      return child;
    };
    for (const name of ['speaker', 'cilium-agent']) {
      // A shell that waits, under another name.
      copyFileSync('/bin/dash', join(folder, name));
      chmodSync(join(folder, name), 0o755);
    }
    const told = '[{"peer-address":"10.0.0.9","peer-asn":64501,"session-state":"established"}]';
    const client = `#!/bin/sh\n[ "$*" = 'bgp peers -o json' ] && echo '${told}'\n`;
    writeFileSync(join(folder, 'cilium-dbg'), client, { mode: 0o755 });

    const network = 'cni: { cilium: { bgp: true } }, proxy: none';
    const view = viewOf(inventoryOf({ network, more: metallb(peers) }));
    const fragment = check.fragment?.(view, 'lab-1');
    if (fragment === undefined) throw new Error('nothing is asked');
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const ask = () => runFragment(shell, fragment, { inside: place.inside, env });

    expect(whats(view, { 'lab-1': await ask() })).toEqual([
      'lab-1: BGP sessions could not be read',
    ]);
    start([join(folder, 'cilium-agent'), '-c', 'read -r _']);
    await once(start([process.execPath, '-e', talk]).stdout, 'data');
    await expect.poll(async () => (await ask()).code).toBe(0);
    // Connections alone are no sessions of a speaker that does not run.
    const without = findings(judge('bgp-sessions', view, { 'lab-1': await ask() }));
    expect(without.map(({ why }) => why)).toEqual(
      Array.from({ length: 3 }, () => 'no speaker of MetalLB runs on this node'),
    );
    start([join(folder, 'speaker'), '-c', 'read -r _']);
    await expect.poll(async () => (await ask()).stdout.includes('none')).toBe(false);
    const verdict = judge('bgp-sessions', view, { 'lab-1': await ask() });
    expect(verdict).toMatchObject({
      looked:
        '3 sessions of 4: lab-1 – 10.0.0.9 (AS 64501), lab-1 – 127.0.0.2 (AS 64500), lab-1 – ::0001 (AS 64500)',
    });
    expect(findings(verdict).map(({ what }) => what)).toEqual([
      'lab-1: the session with 127.0.0.3 (AS 64500) is not connected',
    ]);
  });
});
