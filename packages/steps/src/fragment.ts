/**
 * A positional parameter of a fragment. `{ sha256Of: text }` becomes the lower-case hex SHA-256 of
 * the UTF-8 bytes of `text` when the script is sent, after secrets have been put in: so a probe can
 * compare a file with what it should hold without the content, or a secret, standing in a plan.
 * `{ sha256OfBase64: text }` is the same for bytes that are no text. `resolveArg` does it.
 */
export type Arg = string | { readonly sha256Of: string } | { readonly sha256OfBase64: string };

/**
 * A piece of POSIX sh. `code` is constant text of a step kind and never holds a value: values come
 * as `args` and are read as "$1", "$2", … or "$@". The executor runs each fragment as the body of a
 * function in a subshell, with standard input from /dev/null, and reports its exit status.
 */
export interface Fragment {
  readonly code: string;
  readonly args: readonly Arg[];
}

/** Makes a fragment. */
export function sh(code: string, ...args: readonly Arg[]): Fragment {
  return { code, args };
}
