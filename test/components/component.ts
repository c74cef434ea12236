import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from '@skerry/bundle';
import type { Artifact } from '@skerry/steps';
import { here, type Workshop } from './workshop.ts';
import type { Product } from './product.ts';

/** A program of this computer that building needs, and the Debian package that brings it. */
export interface Tool {
  readonly program: string;
  readonly package: string;
}

/** Something that a cluster is made of, and how it is made. */
export interface Component {
  readonly name: string;
  readonly tools: readonly Tool[];
  /** What decides about the result beside the files that are named in `sources`. */
  readonly inputs: () => Promise<unknown>;
  /** Files of this folder, relative to it, whose texts decide about the result. */
  readonly sources: readonly string[];
  /** Makes the products in an empty folder. */
  readonly make: (workshop: Workshop, folder: string) => Promise<readonly Product[]>;
}

export const go: Tool = { program: 'go', package: 'golang-go' };
export const gcc: Tool = { program: 'gcc', package: 'gcc' };
export const mmdebstrap: Tool = { program: 'mmdebstrap', package: 'mmdebstrap' };

/** What a component has made: artifacts without a place in a bundle yet, and where they lie now. */
export interface Made {
  readonly artifact: Artifact;
  /** Absolute path of the file. */
  readonly file: string;
}

const record = 'products.json';

/** The component from the cache, or made now. */
export async function madeOf(component: Component, workshop: Workshop): Promise<readonly Made[]> {
  const sources = ['component.ts', 'workshop.ts', ...component.sources];
  const texts = await Promise.all(sources.map((name) => readFile(join(here, name), 'utf8')));
  const inputs = [texts, await component.inputs()];
  const folder = await workshop.part(component.name, inputs, async (target) => {
    const products = await component.make(workshop, target);
    const made: Artifact[] = [];
    for (const { file, digest, artifact } of products) {
      const path = join(target, file);
      const known = digest ?? {
        sha256: await fileDigest(path),
        size: (await stat(path)).size,
      };
      made.push({ ...artifact, path: file, sha256: known.sha256, size: known.size });
    }
    await writeFile(join(target, record), JSON.stringify(made));
  });
  const made = JSON.parse(await readFile(join(folder, record), 'utf8')) as readonly Artifact[];
  return made.map((artifact) => ({ artifact, file: join(folder, artifact.path) }));
}
