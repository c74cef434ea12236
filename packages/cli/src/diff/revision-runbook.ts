import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  existsSync,
  realpathSync,
} from 'node:fs';
import { registerHooks, type ModuleHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DiagnosticError } from '@skerry/diagnostics';
import { loadRunbook, type Runbook } from '@skerry/runbook';
import { installation } from '../installation.ts';
import { mapStrings } from '../terminal-text.ts';
import type { SourceTree } from './source-tree.ts';

/** More files beside a runbook than this are not laid out beforehand; what it imports always is. */
const mostBeside = 1000;

/**
 * Runbooks of a revision. They are TypeScript, and Node loads modules from files: those that a
 * runbook needs are written to a folder that only this user can read, as they are imported.
 * Packages come from where the working tree has them, `@skerry/*` from this installation.
 */
export class RevisionRunbooks implements Disposable {
  readonly #tree: SourceTree;
  readonly #top: string;
  readonly #folder: string;
  readonly #hooks: ModuleHooks;
  readonly #written = new Set<string>();

  constructor(tree: SourceTree, top: string) {
    this.#tree = tree;
    this.#top = top;
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'skerry-diff-')));
    const packages = [top, installation].map((folder) => join(folder, 'node_modules'));
    const found = packages.find((folder) => existsSync(folder));
    if (found !== undefined) symlinkSync(found, join(this.#folder, 'node_modules'));
    this.#hooks = registerHooks({
      resolve: (specifier, context, next) => {
        const from = context.parentURL;
        if (/^\.\.?\//.test(specifier) && from?.startsWith('file:') === true) {
          const path = resolve(dirname(fileURLToPath(from)), specifier);
          if (path.startsWith(this.#folder + sep)) this.#write(relative(this.#folder, path));
        }
        return next(specifier, context);
      },
    });
  }

  /** Code that was written, relative to the top of the repository. */
  get files(): readonly string[] {
    return [...this.#written].filter((path) => /\.[cm]?[jt]s$|\.json$/.test(path));
  }

  /** Loads a runbook by its path in the working tree. Errors name the path, and the revision. */
  async load(path: string): Promise<Runbook> {
    const inside = relative(this.#top, path);
    const beside = this.#tree.below(dirname(path));
    if (beside.length <= mostBeside) {
      for (const file of beside) this.#write(join(dirname(inside), file));
    }
    this.#write(inside);
    try {
      return await loadRunbook(join(this.#folder, inside));
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      throw new DiagnosticError(
        this.named(error).diagnostics.map((one) => ({
          ...one,
          why: [one.why, `it is read at ${this.#tree.name}, and run with the packages of today`]
            .filter((text) => text !== undefined)
            .join('; '),
        })),
      );
    }
  }

  /** An error with the paths that the reader knows, in place of where the files were written. */
  named(error: DiagnosticError): DiagnosticError {
    return new DiagnosticError(
      error.diagnostics.map((one) =>
        mapStrings(one, (text) => text.replaceAll(this.#folder + sep, '')),
      ),
    );
  }

  #write(path: string): void {
    if (this.#written.has(path)) return;
    const bytes = this.#tree.read(join(this.#top, path));
    if (bytes === undefined) return;
    this.#written.add(path);
    const file = join(this.#folder, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, bytes, { mode: 0o600 });
    // Whether a .ts file is a module stands in the package.json above it.
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      this.#write(join(folder, 'package.json'));
      if (folder === '.') break;
    }
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
