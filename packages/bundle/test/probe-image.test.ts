import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { canRun } from '../src/create/can-run.ts';
import { buildProbeImage } from '../src/create/probe-image.ts';
import { verifyBundle } from '../src/index.ts';

test.runIf(await canRun('go', 'version'))(
  'the probe image is built from its source (needs Go)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-probe-test-'));
    const sources = resolve(import.meta.dirname, '../../../images/probe');
    const one = await buildProbeImage('amd64', { folder, sources });
    expect(one).toMatchObject({
      kind: 'image',
      reference: 'skerry.dev/probe:1.0.0',
      version: '1.0.0',
    });
    writeFileSync(join(folder, 'bundle.json'), JSON.stringify({ schema: 1, artifacts: [one] }));
    expect((await verifyBundle(folder)).findings).toEqual([]);
    expect(await buildProbeImage('amd64', { folder, sources })).toEqual(one);
    rmSync(folder, { recursive: true });
  },
);
