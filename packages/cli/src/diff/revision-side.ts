import { relative, resolve } from 'node:path';
import { DiagnosticError, nearest } from '@skerry/diagnostics';
import { loadInventory, type Inventory } from '@skerry/inventory';
import { DesiredFleet, loadRunbook, type Facts } from '@skerry/runbook';
import { runbookFile, runbookFiles } from '../installation.ts';
import { RevisionRunbooks } from './revision-runbook.ts';
import { WorkingTree, type SourceTree } from './source-tree.ts';
import { TreeSources } from './tree-sources.ts';

/** One of the two revisions that are compared, with all that its desired state is made from. */
export interface RevisionSide {
  readonly tree: SourceTree;
  readonly fleet: DesiredFleet;
  readonly sources: TreeSources;
  /** The path of the runbook in the working tree. */
  readonly runbook: string;
  /** Code that the runbook is made of, as far as it lies in the repository; absolute paths. */
  readonly code: () => readonly string[];
  /** An error of this revision, which says so. */
  readonly told: (error: unknown) => unknown;
}

/** The inventory of a revision. Throws a DiagnosticError that names the revision. */
export async function inventoryAt(tree: SourceTree, path: string): Promise<Inventory> {
  if (tree instanceof WorkingTree) return loadInventory(path);
  const bytes = tree.read(resolve(path));
  if (bytes === undefined) throw noInventory(tree, path);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return await loadInventory(path, { text });
  } catch (error) {
    if (error instanceof TypeError) {
      throw new DiagnosticError({
        code: 'file-not-utf8',
        severity: 'error',
        what: `${path} at ${tree.name} is not UTF-8`,
        fix: 'compare with a revision at which it is',
      });
    }
    throw atRevision(error, tree);
  }
}

/** An error of one of the two revisions says which. */
function atRevision(error: unknown, tree: SourceTree): unknown {
  if (!(error instanceof DiagnosticError)) return error;
  return new DiagnosticError(
    error.diagnostics.map((one) => ({ ...one, what: `${one.what} (at ${tree.name})` })),
  );
}

function noInventory(tree: SourceTree, path: string): DiagnosticError {
  const files = tree.below(process.cwd()).filter((file) => /\.ya?ml$/.test(file));
  const near = nearest(relative(process.cwd(), resolve(path)), files);
  return new DiagnosticError({
    code: 'revision-without-inventory',
    severity: 'error',
    what: `there is no inventory ${path} at ${tree.name}`,
    why: 'nothing can be compared with it',
    fix:
      near === undefined
        ? 'name a later revision with --from, or look at the whole with: bootstrap inventory'
        : `it may have been called ${near} then; name a later revision with --from`,
  });
}

/**
 * Everything of one revision. The runbook is looked for where `plan` looks for it, and loaded from
 * the revision where it lies in the repository.
 */
export async function openSide(
  tree: SourceTree,
  options: {
    readonly top: string;
    readonly inventory: Inventory;
    readonly runbook: string;
    readonly tags: readonly string[] | undefined;
    readonly facts: ReadonlyMap<string, Facts>;
    readonly defer: DisposableStack;
  },
): Promise<RevisionSide> {
  const { top, inventory, tags, facts, defer } = options;
  const candidates = runbookFiles(options.runbook, inventory.path).map((file) => resolve(file));
  const file =
    candidates.find((path) => tree.has(path)) ??
    resolve(runbookFile(options.runbook, inventory.path));
  const inside = !relative(top, file).startsWith('..') && !(tree instanceof WorkingTree);
  const runbooks = inside ? defer.use(new RevisionRunbooks(tree, top)) : undefined;
  if (!tree.has(file)) {
    throw new DiagnosticError({
      code: 'runbook-missing',
      severity: 'error',
      what: `there is no runbook ${options.runbook} at ${tree.name}`,
      why: `looked for ${candidates.join(', ')}`,
      fix: 'name a later revision with --from, or another runbook with --runbook',
    });
  }
  const runbook =
    runbooks === undefined ? await loadRunbook(file, candidates) : await runbooks.load(file);
  const sources = new TreeSources(tree, file);
  const fleet = new DesiredFleet({
    runbook,
    inventory,
    facts,
    resolve: sources.contexts(),
    ...(tags === undefined ? {} : { tags }),
  });
  const code = (): readonly string[] =>
    runbooks === undefined ? [file] : runbooks.files.map((path) => resolve(top, path));
  const told = (error: unknown): unknown =>
    error instanceof DiagnosticError ? atRevision(runbooks?.named(error) ?? error, tree) : error;
  return { tree, fleet, sources, runbook: file, code, told };
}
