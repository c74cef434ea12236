import type { Change } from './change.ts';
import { textDiff } from './text-diff.ts';

const token = '⟦secret:';

/**
 * A text diff for a file that may hold secrets. Values are tokens in both texts already; but where
 * the new text holds a secret, a line that goes may hold the one before it, which nobody knows as a
 * secret any more: such lines are not shown.
 */
export function contentDiff(before: string | undefined, after: string): string {
  const diff = textDiff(before, after);
  if (!after.includes(token)) return diff;
  return diff.replaceAll(/^-.*$/gm, '-⟦not shown: may hold an earlier secret⟧');
}

/** What was found in place of the wanted content. */
export type ContentState =
  | 'same'
  /** It differs and is not to be shown. */
  | 'differs'
  /** It differs and is more than 1 MiB or no text. */
  | 'large'
  | { readonly text: string };

/** The change from what was found to `after`; undefined where it is the same. */
export function contentChange(
  subject: string,
  state: ContentState,
  after: string | undefined,
  hiddenBecause: string,
): Change | undefined {
  if (state === 'same') return undefined;
  const change = { subject: `${subject} (content)`, action: 'update' } as const;
  if (after === undefined || state === 'differs') {
    return { ...change, before: 'other content', after: `not shown: ${hiddenBecause}` };
  }
  if (state === 'large') {
    return { ...change, before: 'more than 1 MiB, or no text', after: 'not shown' };
  }
  return { ...change, diff: contentDiff(state.text, after) };
}
