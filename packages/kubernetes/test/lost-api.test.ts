import { execFile } from 'node:child_process';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { sandbox } from '../../steps/test/harness/sandbox.ts';
import { isLost } from '../src/objects/lost-api.ts';
import { builtProgram } from './built-programs.ts';

const kubectl = builtProgram('kubectl') ?? '';

async function lost(said: string, shell: (typeof shells)[number] = 'dash'): Promise<boolean> {
  const { code, stderr } = await runFragment(shell, {
    code: `${isLost}is_lost "$1"`,
    args: [said],
  });
  expect(stderr).toBe('');
  return code === 0;
}

/** Messages as kubectl 1.36 writes them. */
const webhook =
  'Error from server (InternalError): Internal error occurred: failed calling webhook "a.metallb.io": failed to call webhook: Post "https://webhook.metallb-system.svc:443/validate?timeout=10s": ';

describe.each(shells)('an API that is lost, in %s', (shell) => {
  test.each([
    'The connection to the server 10.20.0.10:6443 was refused - did you specify the right host or port?',
    'Unable to connect to the server: EOF',
    'Unable to connect to the server: net/http: TLS handshake timeout',
    'error when retrieving current configuration of: "STDIN": Get "https://10.20.0.10:6443/api/v1/namespaces/a": EOF',
    'error: unable to recognize "STDIN": client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline - error from a previous attempt: EOF',
    'Error from server: etcdserver: leader changed',
    'Error from server: etcdserver: request timed out',
    'Error from server (Timeout): the server was unable to return a response in the time allotted, but may still be processing the request (get nodes)',
  ])('%s', async (said) => {
    expect(await lost(said, shell)).toBe(true);
  });

  test.each([
    '',
    'error: the server doesn\'t have a resource type "things"',
    'Error from server (Forbidden): configmaps "a" is forbidden: exceeded quota',
    'Error from server: etcdserver: request is too large',
    `${webhook}dial tcp 10.96.3.4:443: connect: connection refused`,
    `${webhook}net/http: TLS handshake timeout`,
    `${webhook}EOF`,
    'Error from server: conversion webhook for a.example.org/v1, Kind=A failed: Post "https://a.b.svc:443/convert?timeout=30s": dial tcp 10.96.3.4:443: i/o timeout',
  ])('but not: %s', async (said) => {
    expect(await lost(said, shell)).toBe(false);
  });
});

describe.skipIf(kubectl === '')('what the real kubectl says', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const listening = async (server: Server): Promise<number> => {
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  };
  /** What it says of a server on a port, to a question and to an object that is to be applied. */
  async function said(port: number): Promise<string[]> {
    await using box = await sandbox();
    const code = `
k() { kubectl --server="https://127.0.0.1:$1" --insecure-skip-tls-verify --token=x --request-timeout=1s "$2" "$3" "$4" "$5" "$6" 2>&1; }
k "$1" get configmaps a -n default
echo =====
echo '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}' |
  k "$1" apply --server-side --validate=false -f -
exit 0`;
    const env = {
      PATH: `${kubectl.replace(/\/kubectl$/, '')}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: '/dev/null',
      KUBECACHEDIR: join(box.path, 'cache'),
    };
    const { stdout } = await runFragment('dash', { code, args: [String(port)] }, { env });
    return stdout.split('=====');
  }

  test('of a port where nobody listens', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    for (const text of await said(port)) expect(await lost(text), text).toBe(true);
  });

  test('of a load balancer that has no API server to lead to', async () => {
    const port = await listening(createServer((socket) => socket.end()));
    for (const text of await said(port)) expect(await lost(text), text).toBe(true);
  });

  test('of one that takes the connection and says nothing', async () => {
    const port = await listening(createServer((socket) => void socket.on('error', () => {})));
    for (const text of await said(port)) expect(await lost(text), text).toBe(true);
  });

  test('of an API server that refuses', async () => {
    await using box = await sandbox();
    const [key, crt] = [join(box.path, 'key'), join(box.path, 'crt')];
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost';
    await promisify(execFile)('openssl', [...words.split(' '), '-keyout', key, '-out', crt]);
    const refused = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message: 'configmaps "a" is forbidden: it is not for you',
    };
    const server = createTlsServer(
      { key: readFileSync(key), cert: readFileSync(crt) },
      (_, response) => {
        response.writeHead(403, { 'content-type': 'application/json' });
        response.end(JSON.stringify(refused));
      },
    );
    const port = await listening(server);
    for (const text of await said(port)) expect(await lost(text), text).toBe(false);
  });
});
