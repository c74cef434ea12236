import { dirname, relative, resolve } from 'node:path';
import { selectHosts, type Inventory } from '@skerry/inventory';
import { cachedFacts, neutralFacts, neutralFactsText, type Facts } from '@skerry/runbook';
import { stateFolder } from '../inventory-file.ts';
import { counted } from '../render/host-names.ts';
import { concealInErrors } from '../report-error.ts';
import { compareRevisions, type HostPresence, type RevisionDiff } from './compare-revisions.ts';
import { diffReport, type DiffReport } from './diff-report.ts';
import { commitOf, defaultBase, workingTreeOf } from './git.ts';
import { environmentSecrets } from './environment-secrets.ts';
import { inventoryAt, openSide } from './revision-side.ts';
import { CommitTree, WorkingTree, type SourceTree } from './source-tree.ts';

export interface CompareOptions {
  /** A revision; default: the merge base of HEAD and the default branch. */
  readonly from?: string;
  /** A revision; default: the working tree. */
  readonly to?: string;
  /** A name in runbooks/, or a path. */
  readonly runbook: string;
  readonly tags?: readonly string[];
  readonly limit?: string;
}

/**
 * What two revisions of an inventory ask for differently. Throws a DiagnosticError where a revision
 * cannot be read, holds no inventory, or cannot be expanded.
 */
export async function compareAt(path: string, options: CompareOptions): Promise<DiffReport> {
  using defer = new DisposableStack();
  const top = workingTreeOf(dirname(resolve(path)));
  const blobs = new Map<string, Buffer>();
  const at = (revision: string | undefined, option: string): SourceTree => {
    if (revision === undefined) return new WorkingTree();
    const commit = commitOf(top, revision, option);
    const short = commit.slice(0, 12);
    const name = commit.startsWith(revision) ? short : `${revision} (${short})`;
    return new CommitTree(top, commit, name, blobs);
  };
  const from = at(options.from ?? defaultBase(top), '--from');
  const to = at(options.to, '--to');
  const before = await inventoryAt(from, path);
  const after = await inventoryAt(to, path);
  const secrets = environmentSecrets([...before.hosts, ...after.hosts]);
  const conceal = (text: string): string => secrets.conceal(text);
  concealInErrors(conceal);
  const { facts, known } = await factsOf(before, after);
  const shared = { top, runbook: options.runbook, tags: options.tags, facts, defer };
  const sides = [
    await openSide(from, { ...shared, inventory: before }),
    await openSide(to, { ...shared, inventory: after }),
  ] as const;
  const { limit } = options;
  const result = compareRevisions(...sides, {
    top,
    selected: (inventory) =>
      limit === undefined
        ? inventory.hosts
        : selectHosts(inventory, limit, { source: '--limit', allowEmpty: true }),
  });
  const about = {
    runbook: sides[1].fleet.source.runbook.name,
    cluster: after.cluster.name,
    inventory: relative(top, resolve(path)),
    from: from.name,
    to: to.name,
    notes: notesOf(result.hosts.length, result.hosts.filter((host) => known.has(host)).length),
  };
  return diffReport(placed(result, path, about.inventory), about, conceal);
}

/** With places as they are called in the repository, wherever the command was typed. */
function placed(diff: RevisionDiff, path: string, called: string): RevisionDiff {
  const place = (text: string): string => text.replaceAll(`${path}:`, `${called}:`);
  const host = (one: HostPresence): HostPresence => ({ ...one, at: place(one.at) });
  return {
    ...diff,
    differences: diff.differences.map((one) => ({ ...one, because: one.because.map(place) })),
    added: diff.added.map(host),
    removed: diff.removed.map(host),
  };
}

/** Facts as the last run read them; the same on both sides. */
async function factsOf(
  before: Inventory,
  after: Inventory,
): Promise<{ readonly facts: ReadonlyMap<string, Facts>; readonly known: ReadonlySet<string> }> {
  const hosts = new Map([...before.hosts, ...after.hosts].map((host) => [host.name, host]));
  const folder = stateFolder(after);
  const known = new Set<string>();
  const entries = await Promise.all(
    [...hosts.values()].map(async (host) => {
      const cached = await cachedFacts(folder, host.name);
      if (cached !== undefined) known.add(host.name);
      return [host.name, cached ?? neutralFacts(host)] as const;
    }),
  );
  return { facts: new Map(entries), known };
}

function notesOf(hosts: number, known: number): readonly string[] {
  if (hosts === 0 || known === hosts)
    return ['Facts of the hosts are those that the last run read.'];
  const missing = known === 0 ? 'No host has been' : `${counted(hosts - known, 'host')} not`;
  return [
    `${missing} read by a run from here: taken as ${neutralFactsText}. What depends on facts may come out otherwise; plan asks the hosts.`,
  ];
}
