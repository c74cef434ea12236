import { execFileSync, spawnSync } from 'node:child_process';
import { DiagnosticError, didYouMean } from '@skerry/diagnostics';

const limits = {
  maxBuffer: 1024 * 1024 * 1024,
  stdio: ['ignore' as const, 'pipe' as const, 'pipe' as const],
};

/** Runs git in a folder; undefined where it fails. */
function tryGit(folder: string, ...words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', ['-C', folder, ...words], {
    ...limits,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.replace(/\n$/, '') : undefined;
}

/** The top of the working tree that a folder lies in. Throws a DiagnosticError where it is in none. */
export function workingTreeOf(folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(
    'git',
    ['-C', folder, 'rev-parse', '--show-toplevel'],
    { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' },
  );
  if (status === 0) return stdout.replace(/\n$/, '');
  const missing = error !== undefined && 'code' in error && error.code === 'ENOENT';
  throw new DiagnosticError({
    code: missing ? 'git-missing' : 'not-a-repository',
    severity: 'error',
    what: missing ? 'git cannot be run' : `${folder} is in no working tree of git`,
    why: missing
      ? 'revisions are read with it, and it is not installed'
      : stderr.trim().replace(/^fatal: /, ''),
    fix: missing
      ? 'install git'
      : 'run this where the inventory lies in a git repository, or compare plans instead: bootstrap plan',
  });
}

/** The commit that a user's word for a revision means. Throws a DiagnosticError where there is none. */
export function commitOf(top: string, revision: string, option: string): string {
  const commit = tryGit(
    top,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  );
  if (commit !== undefined) return commit;
  const names = tryGit(top, 'for-each-ref', '--format=%(refname:short)') ?? '';
  throw new DiagnosticError({
    code: 'revision-unknown',
    severity: 'error',
    what: `there is no revision "${revision}" (${option})`,
    why: isShallow(top)
      ? 'the repository is a shallow clone: it does not hold its history'
      : 'git knows no commit, branch or tag of that name',
    fix: isShallow(top)
      ? 'fetch the history: git fetch --unshallow; in a workflow: fetch-depth: 0'
      : (didYouMean(revision, names.split('\n')) ?? 'git log --oneline --all shows what there is'),
  });
}

const isShallow = (top: string): boolean =>
  tryGit(top, 'rev-parse', '--is-shallow-repository') === 'true';

/** Where the work on the current branch began: the merge base of HEAD and the default branch. */
export function defaultBase(top: string): string {
  const head = tryGit(top, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  if (head === undefined) {
    throw new DiagnosticError({
      code: 'revision-unknown',
      severity: 'error',
      what: 'this repository has no commit yet',
      fix: 'commit, and compare with that: there is nothing to compare with now',
    });
  }
  const named = tryGit(top, 'symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD');
  const candidates = [named, 'origin/main', 'origin/master', 'main', 'master'];
  for (const branch of candidates) {
    if (branch === undefined) continue;
    if (tryGit(top, 'rev-parse', '--verify', '--quiet', `${branch}^{commit}`) === undefined)
      continue;
    const base = tryGit(top, 'merge-base', 'HEAD', branch);
    if (base !== undefined) return base;
    throw new DiagnosticError({
      code: 'no-merge-base',
      severity: 'error',
      what: `HEAD and ${branch} have no commit in common here`,
      ...(isShallow(top) ? { why: 'the repository is a shallow clone' } : {}),
      fix: isShallow(top)
        ? 'fetch the history (fetch-depth: 0 in a workflow), or name a revision with --from'
        : 'name a revision with --from',
    });
  }
  return head;
}

/** An entry of a tree: what git calls its mode, and the name of its content. */
export interface GitEntry {
  readonly mode: string;
  readonly oid: string;
}

/** Every file of a commit, by its path below the top. */
export function filesOf(top: string, commit: string): Map<string, GitEntry> {
  const text = execFileSync('git', ['-C', top, 'ls-tree', '-r', '-z', '--full-tree', commit], {
    ...limits,
  }).toString('utf8');
  const entries = new Map<string, GitEntry>();
  for (const line of text.split('\0')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const [mode = '', type = '', oid = ''] = line.slice(0, tab).split(' ');
    if (type === 'blob') entries.set(line.slice(tab + 1), { mode, oid });
  }
  return entries;
}

/** The bytes of a file's content. */
export function blobOf(top: string, oid: string): Buffer {
  return execFileSync('git', ['-C', top, 'cat-file', 'blob', oid], {
    ...limits,
  });
}
