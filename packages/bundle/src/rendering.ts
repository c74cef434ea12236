import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiagnosticError, didYouMean } from '@skerry/diagnostics';
import type { Artifact, ChartOptions, ResolveContext } from '@skerry/steps';
import type { OpenBundle } from './open.ts';

export interface RenderingOptions {
  /** `1.36.3`: what charts see as the version of the cluster; '' where none is to be told. */
  readonly kubernetes: string;
  /** Of this machine: which of the bundle's helm programs can run here. */
  readonly architecture: string;
}

/** Milliseconds for `helm template`: a large chart takes one or two seconds on a slow machine. */
const helmDeadline = 120_000;

/**
 * Manifests and charts of a bundle as texts, each read, checked against its digest, and rendered
 * once. Without a bundle every question is answered with a DiagnosticError that says how to make one.
 */
export function bundledTexts(
  bundle: OpenBundle | undefined,
  options: RenderingOptions,
): Pick<ResolveContext, 'manifest' | 'chart'> {
  const made = new Map<string, string>();
  const once = (key: string, make: () => string): string => {
    const text = made.get(key) ?? make();
    made.set(key, text);
    return text;
  };
  return {
    manifest: (name) =>
      once(`manifest ${name}`, () => {
        const { folder, artifact } = artifactNamed(bundle, 'manifest', name);
        return readChecked(folder, artifact).toString('utf8');
      }),
    chart: (name, how) =>
      once(`chart ${JSON.stringify([name, how])}`, () => {
        const { folder, artifact } = artifactNamed(bundle, 'chart', name);
        readChecked(folder, artifact);
        const helm = once('helm', () => helmProgram({ folder, bundle, options }));
        return helmTemplate(helm, join(folder, artifact.path), how, options.kubernetes);
      }),
  };
}

function artifactNamed(
  bundle: OpenBundle | undefined,
  kind: 'manifest' | 'chart',
  name: string,
): { folder: string; artifact: Artifact } {
  if (bundle === undefined) {
    throw new DiagnosticError({
      code: 'no-bundle',
      severity: 'error',
      what: `the ${kind} "${name}" comes from a bundle, and this run has none`,
      why: 'what is installed into the cluster is pinned by digest, and the plan shows it without a network',
      fix: 'make one with: bootstrap bundle create INVENTORY --out DIR\nand give it to the run with --bundle DIR, or as "bundle: DIR" in the inventory',
    });
  }
  const { folder, index } = bundle;
  const all = index.artifacts.filter((artifact) => artifact.kind === kind);
  const artifact = all.find((candidate) => candidate.name === name);
  if (artifact !== undefined) return { folder, artifact };
  const known = all.map((candidate) => candidate.name);
  throw new DiagnosticError({
    code: 'bundle-lacks',
    severity: 'error',
    what: `the bundle in ${folder} has no ${kind} "${name}"`,
    why: known.length === 0 ? `it has none at all` : `it has ${known.join(', ')}`,
    fix:
      didYouMean(name, known) ??
      'make the bundle again from this inventory: bootstrap bundle create INVENTORY --out DIR',
  });
}

/** The bytes of an artifact. Throws a DiagnosticError unless they are those that the index names. */
function readChecked(folder: string, artifact: Artifact): Buffer {
  const path = join(folder, artifact.path);
  const broken = (why: string): DiagnosticError =>
    new DiagnosticError({
      code: 'bundle-broken',
      severity: 'error',
      what: `${artifact.kind} ${artifact.name} of the bundle cannot be used: ${path}`,
      why,
      fix: `see what else is wrong with: bootstrap bundle verify ${folder}`,
    });
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error));
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 === artifact.sha256) return bytes;
  throw broken(`its digest is ${sha256}, and bundle.json says ${artifact.sha256}`);
}

/** The bundle's own helm, where it has one for this machine; else the one on PATH. */
function helmProgram(given: {
  readonly folder: string;
  readonly bundle: OpenBundle | undefined;
  readonly options: RenderingOptions;
}): string {
  const tool = given.bundle?.index.artifacts.find(
    ({ kind, name, architecture }) =>
      kind === 'tool' &&
      name === 'helm' &&
      (architecture === undefined || architecture === given.options.architecture),
  );
  if (tool === undefined) return 'helm';
  readChecked(given.folder, tool);
  return join(given.folder, tool.path);
}

function helmTemplate(
  helm: string,
  chart: string,
  { release, namespace, values }: ChartOptions,
  kubernetes: string,
): string {
  const version = kubernetes === '' ? [] : ['--kube-version', kubernetes];
  const words = [
    'template',
    release,
    chart,
    '--namespace',
    namespace,
    '--include-crds',
    ...version,
  ];
  try {
    return execFileSync(helm, [...words, '--values', '-'], {
      input: JSON.stringify(values),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: helmDeadline,
      maxBuffer: 256 * 1024 * 1024,
      // No plugin, no repository and no setting of the user's own: the same chart, the same text.
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        HELM_NO_PLUGINS: '1',
        HELM_CACHE_HOME: '/nonexistent',
        HELM_CONFIG_HOME: '/nonexistent',
        HELM_DATA_HOME: '/nonexistent',
      },
    });
  } catch (error) {
    throw helmFailure(helm, chart, error);
  }
}

function helmFailure(helm: string, chart: string, error: unknown): DiagnosticError {
  const { code, stderr } = error as { code?: unknown; stderr?: unknown };
  if (code === 'ENOENT' || code === 'EACCES') {
    return new DiagnosticError({
      code: 'no-helm',
      severity: 'error',
      what: `helm cannot be run, and it renders the chart ${chart}`,
      why:
        code === 'ENOENT'
          ? 'the bundle has no helm for this machine, and there is none on PATH'
          : `${helm} may not be executed`,
      fix:
        code === 'ENOENT'
          ? 'install helm, or make the bundle again: bootstrap bundle create INVENTORY --out DIR'
          : `chmod +x ${helm}`,
    });
  }
  const said = typeof stderr === 'string' ? stderr.trim() : '';
  return new DiagnosticError({
    code: 'chart-failed',
    severity: 'error',
    what: `helm cannot render the chart ${chart}`,
    why: said || (error instanceof Error ? error.message : String(error)),
    fix: 'mend the values that the reason names; they come from the kubernetes section of the inventory',
  });
}
