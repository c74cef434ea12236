import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { probeImage } from '@skerry/kubernetes';
import type { Artifact } from '@skerry/steps';
import { writeImageArchive } from '../oci/image.ts';
import { writeLayer } from '../oci/layer.ts';

const run = promisify(execFile);

/**
 * Builds Skerry's own image, the one of the pods of `bootstrap verify`, from its source: it lies in no
 * registry. Throws with what the compiler said.
 */
export async function buildProbeImage(
  architecture: string,
  { folder, sources }: { readonly folder: string; readonly sources: string },
): Promise<Artifact> {
  const scratch = await mkdtemp(join(tmpdir(), 'skerry-probe-'));
  try {
    const [program, layer] = [join(scratch, 'probe'), join(scratch, 'layer')];
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', '-s -w'];
    await run('go', ['build', ...flags, '-o', program, '.'], {
      cwd: sources,
      env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture, GOFLAGS: '' },
    });
    await writeLayer(layer, [{ path: '/probe', mode: 0o755, file: program }]);
    const path = `images/${architecture}/skerry-probe.tar`;
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    const settings = {
      reference: probeImage,
      architecture,
      entrypoint: ['/probe'],
      user: '65534:65534',
    };
    const written = await writeImageArchive(`${target}.partial`, settings, [layer]);
    await rename(`${target}.partial`, target);
    const [name = '', version = ''] = probeImage.split(':');
    const about = { name: name.replace(/^.*\//, ''), version, architecture, path };
    const { sha256, size, digest } = written;
    const origin = 'Skerry images/probe';
    return { kind: 'image', ...about, origin, sha256, size, reference: probeImage, digest };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
