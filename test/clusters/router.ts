import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { beside, wordsBeside } from '../machines.ts';

/** A real router beside the machines: BIRD 2 of Debian, which speaks BGP and sets the kernel's routes. */
export interface Router {
  /** The state of each BGP session by the address of its neighbour: `Established`. */
  sessions(): Promise<Map<string, string>>;
  /** The next hops by which BGP brought a network, in order. */
  nextHops(network: string): Promise<string[]>;
  /** All that BIRD knows of a network, with communities. */
  route(network: string): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whoever comes from `neighbours` with the AS number `asn` is a neighbour; nothing is told them. */
function configuration(address: string, own: number, neighbours: string, asn: number): string {
  return `log stderr all;
router id ${address};
protocol device {}
protocol kernel {
  ipv4 { import none; export where source = RTS_BGP; };
  merge paths yes;
}
protocol bgp machines {
  local ${address} as ${own};
  neighbor range ${neighbours} as ${asn};
  passive;
  dynamic name "machine";
  ipv4 { import all; export none; };
}
`;
}

/** BIRD, installed where it is missing. */
async function installBird(): Promise<void> {
  const { code } = await beside('sh', '-c', 'command -v bird');
  if (code === 0) return;
  const install =
    'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends bird2';
  const installed = await beside('sh', '-c', install);
  if (installed.code !== 0) throw new Error(`${install}\n${installed.stdout}${installed.stderr}`);
}

/** Starts a router at an address of the lab's own, for machines of a network. */
export async function startRouter(options: {
  readonly address: string;
  readonly asn: number;
  readonly neighbours: string;
  readonly neighbourAsn: number;
}): Promise<Router> {
  await installBird();
  const { address, asn, neighbours, neighbourAsn } = options;
  const folder = mkdtempSync(join(tmpdir(), 'skerry-router-'));
  const [config, socket] = [join(folder, 'bird.conf'), join(folder, 'bird.ctl')];
  writeFileSync(config, configuration(address, asn, neighbours, neighbourAsn));
  // `ip netns exec` becomes the program itself, so that its process is the one that is ended.
  const [program = '', ...words] = await wordsBeside('bird', '-f', '-c', config, '-s', socket);
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close');
  const ask = async (...question: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await beside('birdc', '-s', socket, ...question);
    if (code !== 0) throw new Error(`birdc ${question.join(' ')}: ${stderr}${stdout}\n${said}`);
    return stdout;
  };
  const router: Router = {
    sessions: async () => {
      const told = await ask('show', 'protocols', 'all');
      const states = [...told.matchAll(/BGP state: +(\w+)\n\s+Neighbor address: (\S+)/g)];
      return new Map(states.map(([, state = '', neighbour = '']) => [neighbour, state]));
    },
    route: (network) => ask('show', 'route', 'for', network, 'all'),
    nextHops: async (network) => {
      const told = await ask('show', 'route', 'all', 'where', `net = ${network}`);
      return [...told.matchAll(/^\s+via (\S+) on /gm)].map(([, hop = '']) => hop).toSorted();
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await vi.waitFor(() => router.sessions(), { timeout: 30_000, interval: 200 });
  return router;
}
