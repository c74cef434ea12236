/**
 * A positional parameter of a fragment. `{ sha256Of: text }` becomes the lower-case hex SHA-256 of
 * the UTF-8 bytes of `text` when the script is sent, after secrets have been put in: so a probe can
 * compare a file with what it should hold without the content, or a secret, standing in a plan.
 * `{ sha256OfBase64: text }` is the same for bytes that are no text. `resolveArg` does it.
 */
export type PlainArg = string | { readonly sha256Of: string } | { readonly sha256OfBase64: string };

/**
 * A value that only another host can make, such as a join token. Just before the fragment is sent the
 * engine runs `fragment` as root, under that host's lock, on the first of the hosts `readOn` that
 * answers and ends it with status 0; its standard output, without the newline at the end, is the
 * value: four characters or more, and a secret in all that is shown or kept. One value serves all
 * hosts of a run that ask for the same. For `converge` only: plans and probes hold the reference.
 */
export interface ReadOn {
  /** Names of hosts of the inventory, the first choice first; `--limit` does not matter. */
  readonly readOn: readonly string[];
  readonly fragment: { readonly code: string; readonly args: readonly PlainArg[] };
}

export type Arg = PlainArg | ReadOn;

/** A file of the bundle: `path` below its folder, `sha256` in lower-case hex, `size` in bytes. */
export interface ArtifactFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** Where a host keeps the artifacts that a fragment names: `/var/lib/skerry/bundle/<sha256>`. */
export const artifactStore = '/var/lib/skerry/bundle';

/**
 * A piece of POSIX sh. `code` is constant text of a step kind and never holds a value: values come
 * as `args` and are read as "$1", "$2", … or "$@". The executor runs each fragment as the body of a
 * function in a subshell, with standard input from /dev/null, and reports its exit status.
 */
export interface Fragment {
  readonly code: string;
  readonly args: readonly Arg[];
  /**
   * The code serves several fragments in one go: it is given the arguments of all, one after the
   * other, and calls `next STATUS` between two answers; its own exit status is that of the last one.
   * For probes, which may run in any order.
   */
  readonly joins?: true;
  /**
   * Files of the bundle that must lie in the host's `artifactStore` before this runs: the engine
   * brings those that are missing. The fragment removes from there what it has used.
   */
  readonly artifacts?: readonly ArtifactFile[];
}

/** Makes a fragment. */
export function sh(
  code: string,
  ...args: readonly PlainArg[]
): Fragment & { readonly args: readonly PlainArg[] };
export function sh(code: string, ...args: readonly Arg[]): Fragment;
export function sh(code: string, ...args: readonly Arg[]): Fragment {
  return { code, args };
}
