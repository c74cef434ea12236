import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { artifactStore } from '@skerry/steps';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeImageArchive, writeLayer } from '../../bundle/src/index.ts';
import { planForReal } from '../../steps/test/harness/converge-for-real.ts';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { imagesKind } from '../src/index.ts';

const canRun = process.getuid?.() === 0 && existsSync('/usr/bin/containerd');
const reference = 'registry.example.no/made/up:1.2.3';
let folder: string;
let containerd: ChildProcess;
let env: Record<string, string>;
let image: { sha256: string; size: number; digest: string };

beforeAll(async () => {
  if (!canRun) return;
  folder = mkdtempSync(join(tmpdir(), 'skerry-ctr-'));
  const socket = join(folder, 'sock');
  // native: an overlay on an overlay is not to be had everywhere.
  env = { CONTAINERD_ADDRESS: socket, CONTAINERD_SNAPSHOTTER: 'native' };
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${socket}"\n`,
  );
  containerd = spawn('/usr/bin/containerd', ['-c', config], { stdio: 'ignore' });
  const layer = join(folder, 'layer');
  await writeLayer(layer, [{ path: '/program', mode: 0o755, text: 'x'.repeat(10_000) }]);
  const about = { reference, architecture: 'amd64', entrypoint: ['/program'] };
  image = await writeImageArchive(join(folder, 'image.tar'), about, [layer]);
  const until = Date.now() + 30_000;
  while (!existsSync(socket)) {
    if (Date.now() > until) throw new Error('containerd does not answer');
    await sleep(50);
  }
});
afterAll(async () => {
  if (!canRun) return;
  const ended = new Promise((resolve) => containerd.once('exit', resolve));
  containerd.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true });
});

const desired = (digest = image.digest) => ({
  name: 'made',
  images: [{ reference, digest, path: 'image.tar', sha256: image.sha256, size: image.size }],
});

/** The converge of the kind with a store of this test's own in place of the host's. */
async function converge(shell: 'dash' | 'busybox' | 'bash', wanted: ReturnType<typeof desired>) {
  const parsed = imagesKind.schema.parse(wanted);
  const changes = await planForReal(imagesKind, wanted, shell, { env });
  const { code, args } = imagesKind.converge(parsed, changes);
  const store = join(folder, 'store');
  mkdirSync(store, { recursive: true });
  copyFileSync(join(folder, 'image.tar'), join(store, image.sha256));
  const own = { code, args: args.map((arg) => (arg === artifactStore ? store : arg)) };
  const ran = await runFragment(shell, own, { env });
  return { ...ran, changes, left: existsSync(join(store, image.sha256)) };
}

describe.runIf(canRun)('images in a real containerd (needs the package containerd)', () => {
  it.each(shells)(
    'are imported by %s, are there then, and leave nothing in the store',
    async (shell) => {
      await runFragment(
        shell,
        { code: `ctr -n k8s.io images rm ${reference} || :`, args: [] },
        { env },
      );
      const { code, changes, left } = await converge(shell, desired());
      expect(changes).toMatchObject([{ subject: reference, action: 'create' }]);
      expect({ code, left }).toEqual({ code: 0, left: false });
      expect(await planForReal(imagesKind, desired(), shell, { env })).toEqual([]);
    },
  );

  it('an archive with another image than the bundle says is an error that names both', async () => {
    const other = `sha256:${'0'.repeat(64)}`;
    const { code, stderr } = await converge('dash', desired(other));
    expect(code).toBe(1);
    expect(stderr).toContain(`${reference}: its archive holds ${image.digest}, not ${other}`);
  });
});
