/**
 * Builds what a cluster is made of from Go modules and Debian packages, as a bundle:
 *
 *     node test/components/build.ts INVENTORY [--yes]
 *     node test/components/build.ts --all | --only NAME,NAME [--yes]
 *
 * Progress goes to stderr; the last line of stdout is the folder of the bundle. All is cached below
 * `${XDG_CACHE_HOME:-~/.cache}/skerry`.
 */
import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiagnosticError, formatDiagnostic } from '@skerry/diagnostics';
import { loadInventory } from '@skerry/inventory';
import type { Artifact, Bundle } from '@skerry/steps';
import { cached, prune } from './cache.ts';
import { catalogue } from './catalogue/all.ts';
import { kubernetesVersion } from './catalogue/kubernetes.ts';
import { madeOf, type Component, type Made } from './component.ts';
import { named, neededFor } from './needs.ts';
import { requireTools } from './requirements.ts';
import { Workshop } from './workshop.ts';

const begin = Date.now();
const tell = (line: string): void => {
  process.stderr.write(`${`${Math.round((Date.now() - begin) / 1000)}`.padStart(5)} s  ${line}\n`);
};

async function chosen(): Promise<{ components: readonly Component[]; yes: boolean }> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      only: { type: 'string' },
      yes: { type: 'boolean', default: false },
    },
  });
  const { all, only, yes } = values;
  if (all) return { components: Object.values(catalogue), yes };
  if (only !== undefined) return { components: named(only.split(',')), yes };
  const [path] = positionals;
  if (path === undefined) throw new Error('name an inventory, or --all');
  const inventory = await loadInventory(path);
  const [wanted, version] = [inventory.kubernetes.version, await kubernetesVersion()];
  if (wanted !== undefined && wanted !== version) {
    throw new Error(
      `${path} wants Kubernetes ${wanted}; here ${version} is built\n` +
        `Write version: ${version}, or change test/components/kubernetes/go.mod`,
    );
  }
  return { components: neededFor(inventory), yes };
}

/** Puts all artifacts into one folder, with an index. */
async function bundleOf(made: readonly Made[]): Promise<string> {
  const places = new Map<string, string>();
  const artifacts = made.map(({ artifact, file }): Artifact => {
    const name = artifact.kind === 'image' ? `${artifact.name}.tar` : artifact.path;
    const path = `${artifact.kind}s/${name}`;
    places.set(path, file);
    return { ...artifact, path };
  });
  if (places.size !== artifacts.length) throw new Error('two artifacts have one path');
  const index: Bundle = { schema: 1, artifacts };
  const text = `${JSON.stringify(index, null, 2)}\n`;
  return await cached('bundles', 'components', text, async (folder) => {
    for (const [path, file] of places) {
      const target = join(folder, path);
      await mkdir(join(target, '..'), { recursive: true });
      await link(file, target).catch(() => copyFile(file, target));
    }
    await writeFile(join(folder, 'bundle.json'), text);
  });
}

try {
  const { components, yes } = await chosen();
  await requireTools(components, yes);
  const workshop = new Workshop(tell);
  const made: Made[] = [];
  for (const component of components) made.push(...(await madeOf(component, workshop)));
  const folder = await bundleOf(made);
  await prune();
  tell(`${made.length} artifacts: ${components.map(({ name }) => name).join(', ')}`);
  process.stdout.write(`${folder}\n`);
} catch (error) {
  if (error instanceof DiagnosticError) {
    for (const diagnostic of error.diagnostics) console.error(formatDiagnostic(diagnostic));
  } else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
