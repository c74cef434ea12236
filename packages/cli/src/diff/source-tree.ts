import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { blobOf, filesOf, type GitEntry } from './git.ts';

/** The files that an inventory and its runbook are made of, at one revision. Paths are absolute. */
export interface SourceTree {
  /** How it is called to a reader: `the working tree`, `main (1a2b3c4d5e6f)`. */
  readonly name: string;
  has(path: string): boolean;
  /** The bytes of a file; undefined where there is none. */
  read(path: string): Buffer | undefined;
  /** Paths of all files below a folder, relative to it. */
  below(folder: string): readonly string[];
  /** How a file is called in an error: `templates/motd.hbs`, `1a2b3c4d5e6f:templates/motd.hbs`. */
  called(path: string): string;
}

/** The files as they lie on disk. */
export class WorkingTree implements SourceTree {
  readonly name = 'the working tree';

  has(path: string): boolean {
    return existsSync(path) && statSync(path).isFile();
  }

  read(path: string): Buffer | undefined {
    return this.has(path) ? readFileSync(path) : undefined;
  }

  below(folder: string): readonly string[] {
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  }

  called(path: string): string {
    return path;
  }
}

const symlink = '120000';

/**
 * The files of one commit, read from git's objects: nothing is checked out. What lies outside of the
 * repository (the templates that come with Skerry) is read from disk.
 */
export class CommitTree implements SourceTree {
  readonly name: string;
  readonly commit: string;
  readonly #top: string;
  readonly #files: ReadonlyMap<string, GitEntry>;
  readonly #disk = new WorkingTree();
  readonly #blobs: Map<string, Buffer>;

  /** `blobs` may be shared by trees of one repository: the same name is the same content. */
  constructor(top: string, commit: string, name: string, blobs = new Map<string, Buffer>()) {
    this.name = name;
    this.commit = commit;
    this.#top = top;
    this.#files = filesOf(top, commit);
    this.#blobs = blobs;
  }

  has(path: string): boolean {
    const below = this.#inside(path);
    return below === undefined ? this.#disk.has(path) : this.#entry(below) !== undefined;
  }

  read(path: string): Buffer | undefined {
    const below = this.#inside(path);
    if (below === undefined) return this.#disk.read(path);
    const entry = this.#entry(below);
    return entry === undefined ? undefined : this.#blob(entry.oid);
  }

  below(folder: string): readonly string[] {
    const inside = this.#inside(folder);
    if (inside === undefined) return this.#disk.below(folder);
    const prefix = inside === '' ? '' : `${inside}/`;
    return [...this.#files.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
  }

  called(path: string): string {
    const below = this.#inside(path);
    return below === undefined ? path : `${this.commit.slice(0, 12)}:${below}`;
  }

  /** Below the top of the repository; undefined for what is not in it, or never committed. */
  #inside(path: string): string | undefined {
    const below = relative(this.#top, path);
    const outside = below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below);
    return outside || below.split(sep).includes('node_modules') ? undefined : below;
  }

  #entry(path: string, hops = 0): GitEntry | undefined {
    const entry = this.#files.get(path);
    if (entry?.mode !== symlink) return entry;
    const target = join(dirname(path), this.#blob(entry.oid).toString('utf8'));
    return hops > 8 || target.startsWith('..') ? undefined : this.#entry(target, hops + 1);
  }

  #blob(oid: string): Buffer {
    const blob = this.#blobs.get(oid) ?? blobOf(this.#top, oid);
    this.#blobs.set(oid, blob);
    return blob;
  }
}
