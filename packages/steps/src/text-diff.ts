import { createTwoFilesPatch } from 'diff/lib/patch/create.js';

/** Texts that differ in more lines than this are not compared line by line: the cost is its square. */
const mostEdits = 2000;

/**
 * A unified diff with three lines of context, without the file header; '' where the texts are equal.
 * `undefined` stands for a file that does not exist. Where nearly nothing is alike, one line says so.
 */
export function textDiff(before: string | undefined, after: string | undefined): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch('a', 'b', before ?? '', after ?? '', '', '', {
    context: 3,
    ...(before && after ? { maxEditLength: mostEdits } : {}),
  });
  if (patch === undefined) {
    const lines = (text: string | undefined): number => (text ?? '').split('\n').length;
    return `@@ -1,${lines(before)} +1,${lines(after)} @@ more than ${mostEdits} lines differ`;
  }
  const start = patch.indexOf('@@');
  return start < 0 ? '' : patch.slice(start).replace(/\n$/, '');
}
