import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@skerry/steps';
import { indexName } from '../open.ts';
import { bundleSchema } from '../schema.ts';
import { fileDigest } from '../file-digest.ts';

const journalName = 'bundle.partial.json';

/**
 * What of a bundle is complete so far. It is written after each artifact, under a name that nobody
 * takes for a bundle; `finish` makes the index of it.
 */
export class Journal {
  readonly #folder: string;
  readonly #known: readonly Artifact[];
  readonly #done = new Map<string, Artifact>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, known: readonly Artifact[]) {
    this.#folder = folder;
    this.#known = known;
  }

  /** Takes up what earlier runs left in the folder. */
  static async open(folder: string): Promise<Journal> {
    const [partial, whole] = await Promise.all(
      [journalName, indexName].map((name) => artifactsIn(join(folder, name))),
    );
    return new Journal(folder, [...(partial ?? []), ...(whole ?? [])]);
  }

  /** An artifact of an earlier run, when its file is there and has its digest. */
  async kept(like: (artifact: Artifact) => boolean): Promise<Artifact | undefined> {
    for (const artifact of this.#known.filter(like)) {
      const path = join(this.#folder, artifact.path);
      try {
        if ((await stat(path)).size !== artifact.size) continue;
        if ((await fileDigest(path)) === artifact.sha256) return artifact;
      } catch {
        // It is not there any more: it is fetched again.
      }
    }
    return undefined;
  }

  /** All artifacts of earlier runs that `like` picks, each complete; undefined where one is not. */
  async keptAll(like: (artifact: Artifact) => boolean): Promise<readonly Artifact[] | undefined> {
    const known = new Map(this.#known.filter(like).map((one) => [one.path, one]));
    const found = await Promise.all(
      [...known.values()].map((one) => this.kept((artifact) => artifact === one)),
    );
    const whole = found.filter((one) => one !== undefined);
    return whole.length === known.size && whole.length > 0 ? whole : undefined;
  }

  async add(artifact: Artifact): Promise<void> {
    this.#done.set(artifact.path, artifact);
    await this.#write(journalName);
  }

  get artifacts(): readonly Artifact[] {
    return [...this.#done.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  }

  /** Writes the index, and takes away what only earlier runs had. */
  async finish(): Promise<void> {
    await this.#write(indexName);
    await rm(join(this.#folder, journalName), { force: true });
    const stale = this.#known.filter(({ path }) => !this.#done.has(path));
    await Promise.all(stale.map(({ path }) => rm(join(this.#folder, path), { force: true })));
  }

  #write(name: string): Promise<void> {
    this.#writing = this.#after(this.#writing, name);
    return this.#writing;
  }

  async #after(before: Promise<void>, name: string): Promise<void> {
    await before;
    const temporary = join(this.#folder, `${name}.new`);
    const index = { schema: 1, artifacts: this.artifacts };
    await writeFile(temporary, `${JSON.stringify(index, null, 2)}\n`);
    await rename(temporary, join(this.#folder, name));
  }
}

async function artifactsIn(path: string): Promise<readonly Artifact[]> {
  try {
    const result = bundleSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return result.success ? result.data.artifacts : [];
  } catch {
    return [];
  }
}
