import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A real etcd and a real API server as processes on loopback: all of a cluster but nodes and controllers. */
export interface ApiServer {
  readonly kubeconfig: string;
  /** With the folder of kubectl in front of PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** What kubectl prints; throws where it fails. */
  readonly kubectl: (...words: readonly string[]) => Promise<string>;
  /** Kills the API server; what it knew is in etcd. */
  readonly stop: () => Promise<void>;
  /** Starts it again where it was killed, and waits until it is ready. */
  readonly restart: () => Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Where the programs of a control plane lie. */
export interface Programs {
  /** The program etcd. */
  readonly etcd: string;
  /** A folder with the programs of a control plane, kubeadm and kubectl. */
  readonly kubernetes: string;
}

/** The programs that were built last (test/components); undefined where that has not been done. */
export async function builtPrograms(): Promise<Programs | undefined> {
  const [etcd, kubernetes] = [await built('etcd-programs'), await built('kubernetes-programs')];
  if (etcd === undefined || kubernetes === undefined) return undefined;
  return { etcd: join(etcd, 'server'), kubernetes };
}

/** The newest folder of the cache with what was made of a component. */
export async function built(component: string): Promise<string | undefined> {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(cache, 'skerry', 'components');
  const names = await readdir(folder).catch(() => []);
  const mine = names.filter((name) => new RegExp(`^${component}-[0-9a-f]{12}$`).test(name));
  const aged = mine.map(async (name) => {
    const path = join(folder, name);
    return { path, time: (await stat(path)).mtimeMs };
  });
  return (await Promise.all(aged)).toSorted((a, b) => b.time - a.time)[0]?.path;
}

/** With the real controllers of namespaces, DaemonSets and nodes, and the real scheduler. */
export interface WithControllers {
  /** After so long a node whose kubelet is silent is Unknown. */
  readonly silentSeconds: number;
}

export async function startApiServer(
  programs: Programs,
  controllers?: WithControllers,
): Promise<ApiServer> {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = await mkdtemp(join(base, 'skerry-api-'));
  const [clients, peers, port] = [await freePort(), await freePort(), await freePort()];
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const token = randomBytes(16).toString('hex');
  await writeFile(join(folder, 'sa.key'), privateKey);
  await writeFile(join(folder, 'sa.pub'), publicKey);
  await writeFile(join(folder, 'tokens'), `${token},admin,admin,system:masters\n`);
  const kubeconfig = join(folder, 'admin.conf');
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    }),
  );
  const started: ChildProcess[] = [];
  const start = (program: string, flags: Readonly<Record<string, string>>): ChildProcess => {
    const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, words, { stdio: 'ignore' });
    started.push(child);
    return child;
  };
  const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
    exitCode !== null || signalCode !== null;
  const kill = async (child: ChildProcess): Promise<void> => {
    if (hasEnded(child)) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  const etcd = `http://127.0.0.1:${clients}`;
  const peer = `http://127.0.0.1:${peers}`;
  start(programs.etcd, {
    'data-dir': join(folder, 'etcd'),
    'unsafe-no-fsync': 'true',
    'log-level': 'error',
    'listen-client-urls': etcd,
    'advertise-client-urls': etcd,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
  });
  const flags = {
    'etcd-servers': etcd,
    'bind-address': '127.0.0.1',
    'secure-port': `${port}`,
    'cert-dir': join(folder, 'certs'),
    'service-cluster-ip-range': '10.96.0.0/16',
    'service-account-key-file': join(folder, 'sa.pub'),
    'service-account-signing-key-file': join(folder, 'sa.key'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'token-auth-file': join(folder, 'tokens'),
    'authorization-mode': 'RBAC',
    'allow-privileged': 'true',
    // There is no controller manager here that would make accounts.
    'disable-admission-plugins': 'ServiceAccount',
  };
  const startApi = (): ChildProcess => start(join(programs.kubernetes, 'kube-apiserver'), flags);
  let server = startApi();
  const env = {
    PATH: `${programs.kubernetes}${delimiter}${process.env['PATH'] ?? ''}`,
    KUBECACHEDIR: join(folder, 'cache'),
  };
  const kubectl = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await run(join(programs.kubernetes, 'kubectl'), words, {
      env: { ...process.env, ...env, KUBECONFIG: kubeconfig },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  };
  const dispose = async (): Promise<void> => {
    for (const child of started.toReversed()) await kill(child);
    await rm(folder, { recursive: true, force: true });
  };
  const ready = async (): Promise<void> => {
    const end = Date.now() + 240_000;
    for (;;) {
      try {
        await kubectl('get', '--raw', '/readyz');
        // Made by the API server itself a moment after it is ready.
        await kubectl('get', 'namespace', 'kube-system', 'default');
        return;
      } catch (error) {
        if (hasEnded(server) || Date.now() > end) throw error;
        await sleep(200);
      }
    }
  };
  try {
    await ready();
  } catch (error) {
    await dispose();
    throw error;
  }
  if (controllers !== undefined) {
    const common = { kubeconfig, 'leader-elect': 'false', 'secure-port': '0' };
    start(join(programs.kubernetes, 'kube-controller-manager'), {
      ...common,
      controllers: 'namespace-controller,daemonset-controller,node-lifecycle-controller',
      'node-monitor-grace-period': `${controllers.silentSeconds}s`,
      'node-monitor-period': '1s',
    });
    start(join(programs.kubernetes, 'kube-scheduler'), common);
  }
  return {
    kubeconfig,
    env,
    kubectl,
    stop: () => kill(server),
    restart: async () => {
      if (hasEnded(server)) server = startApi();
      await ready();
    },
    [Symbol.asyncDispose]: dispose,
  };
}
