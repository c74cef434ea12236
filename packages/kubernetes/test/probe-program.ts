import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const source = new URL('../../../images/probe', import.meta.url).pathname;

/** Why the real program cannot be run here; '' where it can. */
export const withoutProgram =
  process.getuid?.() !== 0
    ? 'network namespaces need root'
    : spawnSync('go', ['version']).status === 0
      ? ''
      : 'Go is not installed';

/** The program, as the only file of a folder that a pod may take for its root. */
export function buildProbe(): { readonly root: string; readonly remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'skerry-probe-'));
  mkdirSync(root, { recursive: true });
  execFileSync('go', ['build', '-o', join(root, 'probe'), '.'], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface ProbeProcess extends AsyncDisposable {
  readonly pid: number;
}

/** A pod with `probe serve` in the network namespace of a place, its root file system its own. */
export async function startProbe(
  root: string,
  pod: string,
  inside: readonly string[],
): Promise<ProbeProcess> {
  const [program, ...words] = [...inside, 'chroot', root, '/probe', 'serve'];
  const child = spawn(program, words, {
    env: { POD_NAME: pod, NODE_NAME: pod.replace('probe', 'node'), PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}
