import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bundledTexts, type Artifact, type OpenBundle } from '../src/index.ts';

/** The helm that the lab has built, else one that is installed. */
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skerry');
const built = existsSync(cache)
  ? execFileSync('find', [cache, '-name', 'helm', '-type', 'f', '-perm', '-100'], {
      encoding: 'utf8',
    })
  : '';
const helm = [...built.split('\n'), '/usr/bin/helm', '/usr/local/bin/helm'].find(
  (path) => path !== '' && existsSync(path),
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-texts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = { kubernetes: '1.36.3', architecture: 'amd64' };

function artifact(kind: 'manifest' | 'chart' | 'tool', name: string, content: Buffer): Artifact {
  const path = `${kind}s/${name}`;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content, { mode: 0o755 });
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { kind, name, version: '1', origin: 'here', path, sha256, size: content.length };
}

const bundleOf = (...artifacts: Artifact[]): OpenBundle => ({
  folder,
  index: { schema: 1, artifacts },
});

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const [{ code, what, fix } = { code: '', what: '', fix: '' }] = error.diagnostics;
    expect(fix).toBeTruthy();
    return `${code}: ${what.replaceAll(folder, '…')}`;
  }
  throw new Error('nothing was wrong');
}

test('a manifest is read, and compared with its digest', () => {
  const manifest = artifact('manifest', 'metallb', Buffer.from('kind: X\n'));
  expect(bundledTexts(bundleOf(manifest), options).manifest('metallb')).toBe('kind: X\n');
  writeFileSync(join(folder, manifest.path), 'kind: Y\n');
  expect(refusal(() => bundledTexts(bundleOf(manifest), options).manifest('metallb'))).toBe(
    'bundle-broken: manifest metallb of the bundle cannot be used: …/manifests/metallb',
  );
  expect(refusal(() => bundledTexts(bundleOf(manifest), options).manifest('metalb'))).toBe(
    'bundle-lacks: the bundle in … has no manifest "metalb"',
  );
  expect(refusal(() => bundledTexts(undefined, options).manifest('metallb'))).toBe(
    'no-bundle: the manifest "metallb" comes from a bundle, and this run has none',
  );
});

describe.runIf(helm !== undefined)('charts (needs helm: npm run test:vms builds it)', () => {
  function chart(template: string): Artifact {
    const source = join(folder, 'made');
    mkdirSync(join(source, 'templates'), { recursive: true });
    mkdirSync(join(source, 'crds'));
    writeFileSync(join(source, 'Chart.yaml'), 'apiVersion: v2\nname: made\nversion: 1.0.0\n');
    writeFileSync(join(source, 'templates/x.yaml'), template);
    writeFileSync(join(source, 'crds/crd.yaml'), 'kind: CustomResourceDefinition\n');
    const content = execFileSync('tar', ['-C', folder, '-cz', 'made']);
    rmSync(source, { recursive: true });
    return artifact('chart', 'made', content);
  }

  function tool(): Artifact {
    const one = artifact('tool', 'helm', Buffer.from(''));
    copyFileSync(helm ?? '', join(folder, one.path));
    const sha256 = execFileSync('sha256sum', [helm ?? ''], { encoding: 'utf8' }).slice(0, 64);
    return { ...one, sha256 };
  }

  const how = { release: 'here', namespace: 'there', values: { who: "it's «me»: {{ x }}" } };

  test('are rendered by the helm of the bundle, CRDs too, with values as they are', () => {
    const made = chart(
      'a: {{ .Values.who | quote }}\nin: {{ .Release.Namespace }}/{{ .Release.Name }}\nof: {{ .Capabilities.KubeVersion }}\n',
    );
    const text = bundledTexts(bundleOf(made, tool()), options).chart('made', how);
    expect(text).toContain(`a: "it's «me»: {{ x }}"\nin: there/here\nof: v1.36.3\n`);
    expect(text).toContain('kind: CustomResourceDefinition');
  });

  test('that refuse their values say why', () => {
    const made = chart('{{ fail "no such mode" }}\n');
    const texts = bundledTexts(bundleOf(made, tool()), options);
    expect(refusal(() => texts.chart('made', how))).toBe(
      'chart-failed: helm cannot render the chart …/charts/made',
    );
    let why: string | undefined;
    try {
      texts.chart('made', how);
    } catch (error) {
      why = (error as DiagnosticError).diagnostics[0]?.why;
    }
    expect(why).toContain('no such mode');
  });
});
