import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { sh } from '@skerry/steps';
import { expect } from 'vitest';
import { namespace } from '../../steps/test/harness/namespace.ts';
import { runFragment } from '../../steps/test/harness/run-fragment.ts';

/** A network namespace that plays a part: a switch, a node, a pod. */
export interface Place {
  readonly pid: string;
  readonly inside: readonly string[];
  /** Runs bash there and gives what it printed; fails where its status is not 0. */
  readonly run: (code: string, ...args: readonly string[]) => Promise<string>;
  /** The same, and gives the status instead. */
  readonly status: (code: string, ...args: readonly string[]) => Promise<number>;
}

/** One L2 segment in network namespaces: a bridge, nodes on it, and pods on the nodes. */
export interface Segment extends AsyncDisposable {
  readonly node: (address: string, interfaceName?: string) => Promise<Place>;
  readonly pod: () => Promise<Place>;
}

function placeOf(inside: readonly string[]): Place {
  const outcome = (code: string, args: readonly string[]) =>
    runFragment('bash', sh(code, ...args), { inside });
  return {
    pid: inside[2] ?? '',
    inside,
    run: async (code, ...args) => {
      const { code: status, stdout, stderr } = await outcome(code, args);
      expect(status, `${code}\n${stdout}${stderr}`).toBe(0);
      return stdout.trim();
    },
    status: async (code, ...args) => (await outcome(code, args)).code,
  };
}

export async function segment(mtu = 1500): Promise<Segment> {
  const stack = new AsyncDisposableStack();
  const fabric = placeOf(stack.use(await namespace()).inside);
  await fabric.run(`ip link add br0 type bridge && ip link set br0 mtu "$1" up`, String(mtu));
  let links = 0;
  return {
    node: async (address, interfaceName = 'eth0') => {
      const place = placeOf(stack.use(await namespace()).inside);
      links += 1;
      await fabric.run(
        `ip link add "$1" mtu "$4" type veth peer name "$3" mtu "$4" netns "$2" && ip link set "$1" master br0 up`,
        `port${links}`,
        place.pid,
        interfaceName,
        String(mtu),
      );
      await place.run(
        `ip addr add "$1/24" dev "$2" && ip link set "$2" up && echo 1 >/proc/sys/net/ipv4/ip_forward`,
        address,
        interfaceName,
      );
      return place;
    },
    pod: async () => {
      const child = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up; echo; read -r _'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      stack.defer(async () => {
        const closed = once(child, 'close');
        child.stdin.end();
        await closed;
      });
      await once(child.stdout, 'data');
      return placeOf(['nsenter', '-t', String(child.pid), '-n']);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Where the real CNI plugins lie, if this machine has them. */
export function cniPlugins(): string | undefined {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skerry');
  const folders = [...globSync(`${cache}/components/cni-plugins-programs-*`), '/opt/cni/bin'];
  return folders.find((folder) => existsSync(join(folder, 'bridge')));
}
