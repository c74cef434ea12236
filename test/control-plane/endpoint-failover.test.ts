import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInventory } from '@skerry/inventory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { segment, type Place, type Segment } from '../../packages/kubernetes/test/segment.ts';
import { canUseNamespaces } from '../../packages/steps/test/harness/namespace.ts';
import { desiredOf, expanded } from '../../packages/cli/test/kubernetes-plays.ts';

const programs = ['keepalived', 'haproxy', 'socat', 'curl', 'openssl'];
const isThere = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;

const inventory = parseInventory(
  `cluster: { name: site }
groups:
  control-plane:
    roles: [control-plane]
    hosts: { "cp-[1:3]": { address: "10.20.0.[11:13]" } }
kubernetes:
  version: 1.36.3
  endpoint: { address: 10.20.0.10, via: keepalived, interface: eth0 }
  network: { cni: routed }
`,
  'site.yaml',
);
const planes = ['cp-1', 'cp-2', 'cp-3'];

/**
 * Answers like an API server, and says whose it is; it is not ready while a file KEY.NAME.late is there.
 * Node would close a connection that asks nothing for five seconds.
 */
const apiServer = `
const { existsSync, readFileSync } = require('node:fs');
const [key, cert, name] = process.argv.slice(1);
require('node:https').createServer(
  { key: readFileSync(key), cert: readFileSync(cert), keepAliveTimeout: 0 },
  ({ url }, response) => {
    response.statusCode = url === '/readyz' && existsSync(key + '.' + name + '.late') ? 500 : 200;
    response.end(name);
  },
).listen(6444);`;

/** Asks twice over one connection, the second time when a file is there, and prints what it got. */
const patientClient = `
const { existsSync } = require('node:fs');
const socket = require('node:tls').connect({ host: '10.20.0.10', port: 6443, rejectUnauthorized: false });
const ask = () => socket.write('GET / HTTP/1.1\\r\\nHost: api\\r\\n\\r\\n');
socket.setEncoding('utf8').on('data', (text) => console.log(/cp-\\d/.exec(text)?.[0]));
socket.on('close', () => { console.log('cut'); process.exit(); });
socket.on('error', () => {});
ask();
const waiting = setInterval(() => {
  if (!existsSync(process.argv[1])) return;
  clearInterval(waiting);
  ask();
  setTimeout(() => process.exit(), 2000);
}, 100);`;

interface Machine {
  readonly place: Place;
  readonly start: (...words: readonly string[]) => ChildProcess;
}

describe.skipIf(!canUseNamespaces || !programs.every(isThere))('keepalived and haproxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-endpoint-'));
  const started: ChildProcess[] = [];
  const machines = new Map<string, Machine>();
  const apis = new Map<string, ChildProcess>();
  let lan: Segment;
  let client: Place;

  /** Ends a process and whom it started, before its namespaces go. */
  const end = async (child: ChildProcess | undefined): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  };

  /** keepalived and haproxy with the very files that the runbook writes. */
  async function makeMachine(name: string): Promise<void> {
    const place = await lan.node(`10.20.0.1${name.slice(-1)}`);
    await place.run(`mount -t tmpfs tmpfs /run && mkdir -p /run/haproxy /etc/haproxy /etc/keepalived
grep -q '^haproxy:' /etc/group || echo 'haproxy:x:987:' >>/etc/group
grep -q '^haproxy:' /etc/passwd || echo 'haproxy:x:987:987::/run/haproxy:/bin/false' >>/etc/passwd`);
    const plays = expanded(inventory, name);
    for (const path of [
      '/etc/haproxy/haproxy.cfg',
      '/etc/keepalived/keepalived.conf',
      '/etc/keepalived/check-api.sh',
    ]) {
      const { content, mode } = desiredOf(plays, `template ${path}`) as Record<string, string>;
      const write = 'printf %s "$2" >"$1" && chmod "$3" "$1"';
      await place.run(write, path, content ?? '', mode ?? '0644');
    }
    const start = (...words: readonly string[]): ChildProcess => {
      const [program = '', ...args] = [...place.inside, ...words];
      const child = spawn(program, args, { stdio: 'ignore' });
      started.push(child);
      return child;
    };
    machines.set(name, { place, start });
    // As many connections as this computer lets a process have, which may be fewer than on a node.
    start('haproxy', '-db', '-n', '2000', '-f', '/etc/haproxy/haproxy.cfg');
    start('keepalived', '--dont-fork', '--use-file', '/etc/keepalived/keepalived.conf');
  }

  const startApi = (name: string): void => {
    const [key, cert] = [join(folder, 'key'), join(folder, 'crt')];
    const child = machines.get(name)?.start(process.execPath, '-e', apiServer, key, cert, name);
    if (child !== undefined) apis.set(name, child);
  };

  async function holders(): Promise<string[]> {
    const asked = [...machines].map(async ([name, { place }]) =>
      (await place.status(`ip -o address show eth0 | grep -qF ' 10.20.0.10/32 '`)) === 0
        ? [name]
        : [],
    );
    return (await Promise.all(asked)).flat();
  }

  /** Whose API server answers by the endpoint; '' for none. */
  const answer = (): Promise<string> =>
    client.run('curl -sk --max-time 15 https://10.20.0.10:6443/ || :');

  beforeAll(async () => {
    const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=api';
    execFileSync(
      'openssl',
      [...words.split(' '), '-keyout', join(folder, 'key'), '-out', join(folder, 'crt')],
      { stdio: 'ignore' },
    );
    lan = await segment();
    client = await lan.node('10.20.0.99');
    for (const name of planes) await makeMachine(name);
  });
  afterAll(async () => {
    for (const child of started.toReversed()) await end(child);
    await lan[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const patiently = { timeout: 40_000, interval: 500 };

  it('have the address on the first machine before any API server is there', async () => {
    await expect.poll(holders, patiently).toEqual(['cp-1']);
    expect(await answer()).toBe('');
  });

  it('lead to the API servers that are ready, and to no other', async () => {
    startApi('cp-2');
    await expect.poll(answer, patiently).toBe('cp-2');
    startApi('cp-1');
    startApi('cp-3');
    const seen = new Set<string>();
    await expect
      .poll(async () => seen.add(await answer()).size, patiently)
      .toBeGreaterThanOrEqual(3);
    expect([...seen].toSorted()).toEqual(planes);
    await expect.poll(holders, patiently).toEqual(['cp-1']);
  });

  /** Whether the API server of a machine says that it is ready. */
  const setReady = (name: string, ready: boolean): void => {
    const file = join(folder, `key.${name}.late`);
    if (ready) rmSync(file);
    else writeFileSync(file, '');
  };
  /** What haproxy of the first machine takes them for. */
  const states = (): Promise<string> =>
    machines
      .get('cp-1')
      ?.place.run(
        `printf 'show stat\\n' | socat -t 2 - UNIX-CONNECT:/run/haproxy/admin.sock | grep '^apis,cp-' | cut -d, -f18 | paste -sd' '`,
      ) ?? Promise.resolve('');

  it('lead no new connection to an API server that says that it is not ready', async () => {
    setReady('cp-2', false);
    await expect.poll(states, patiently).toBe('UP NOLB UP');
    for (let turn = 0; turn < 6; turn += 1) expect(await answer()).toMatch(/^cp-[13]$/);
    setReady('cp-2', true);
    await expect.poll(states, patiently).toBe('UP UP UP');
  });

  it('lead to those that listen where none is ready, and cut no connection', async () => {
    const [program, ...args] = [...client.inside, process.execPath, '-e', patientClient];
    const again = join(folder, 'again');
    const child = spawn(program, [...args, again], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const closed = once(child, 'close');
    await expect.poll(() => said, patiently).toMatch(/^cp-\d\n$/);
    for (const name of planes) setReady(name, false);
    await expect.poll(states, patiently).toBe('NOLB NOLB NOLB');
    expect(await answer()).toMatch(/^cp-\d$/);
    writeFileSync(again, '');
    await closed;
    expect(said).toMatch(/^(cp-\d)\n\1\n$/);
    for (const name of planes) setReady(name, true);
    await expect.poll(states, patiently).toBe('UP UP UP');
  });

  it('move the address where the API server of its machine is gone', async () => {
    await end(apis.get('cp-1'));
    await expect.poll(holders, patiently).toEqual(['cp-2']);
    expect(['cp-2', 'cp-3']).toContain(await answer());
  });

  it('move the address when its machine is gone, and lead nobody to it for long', async () => {
    startApi('cp-1');
    await expect.poll(holders, patiently).toEqual(['cp-1']);
    await machines.get('cp-1')?.place.run('ip link set eth0 down');
    const begin = performance.now();
    await expect.poll(answer, patiently).toMatch(/^cp-[23]$/);
    // Three advertisements, one connection that is tried at the dead one, and its new attempt.
    expect(performance.now() - begin).toBeLessThan(30_000);
    expect((await holders()).filter((name) => name !== 'cp-1')).toEqual(['cp-2']);
    for (let turn = 0; turn < 4; turn += 1) {
      await expect.poll(answer, patiently).toMatch(/^cp-[23]$/);
    }
  });
});
