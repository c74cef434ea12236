import { createTwoFilesPatch } from 'diff';

/**
 * A unified diff with three lines of context, without the file header; '' where the texts are equal.
 * `undefined` stands for a file that does not exist.
 */
export function textDiff(before: string | undefined, after: string | undefined): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch('a', 'b', before ?? '', after ?? '', '', '', { context: 3 });
  const start = patch.indexOf('@@');
  return start < 0 ? '' : patch.slice(start).replace(/\n$/, '');
}
