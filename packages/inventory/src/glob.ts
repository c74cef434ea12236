// @ts-expect-error picomatch comes without types
import picomatch from 'picomatch';

const compile = picomatch as (
  glob: string,
  options: { readonly dot: boolean; readonly noextglob: boolean; readonly nonegate: boolean },
) => (text: string) => boolean;

/** Whether a text is a glob rather than a name. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}

/** A test for `*`, `?`, `[abc]` and `{a,b}`; a dot is a character like any other. */
export function globMatcher(glob: string): (text: string) => boolean {
  const matches = compile(glob, { dot: true, noextglob: true, nonegate: true });
  // picomatch answers with an object where it is given more than the text, as by Array.some.
  return (text) => matches(text);
}
