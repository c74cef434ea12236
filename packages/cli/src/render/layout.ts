import { stripVTControlCharacters } from 'node:util';

/** Breaks `text` at spaces into lines of at most `width` characters; longer words stay whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}

/**
 * Like `wrap`, for advice: where it does not fit in one line, each command in it (words in backticks)
 * gets a line of its own, whole and without the backticks, so that it can be copied.
 */
export function wrapAdvice(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const pieces = paragraph.split(/`([^`]* [^`]*)`/);
    if (pieces.length === 1 || paragraph.length <= width) return wrap(paragraph, width);
    return pieces.flatMap((piece, index) => {
      if (index % 2 === 1) return [`    ${piece}`];
      const words = piece.replace(/^[\s),;:.]+/, '').replace(/\s*\($/, ':');
      return words.trim() === '' ? [] : wrap(words.trim(), width);
    });
  });
}

export function indent(text: string, spaces: number): string {
  const pad = ' '.repeat(spaces);
  return text
    .split('\n')
    .map((line) => (line === '' ? line : pad + line))
    .join('\n');
}

/** At most `width` columns of a line, colours kept whole; what is cut off is shown as `…`. */
export function clip(line: string, width: number): string {
  if (columnsOf(line) <= width) return line;
  let room = width - 1;
  let result = '';
  // oxlint-disable-next-line no-control-regex -- colours start with ESC
  for (const piece of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (piece.startsWith('\u001b[')) {
      result += piece;
    } else if (room >= 0) {
      const characters = graphemes(piece);
      result += characters.slice(0, room).join('');
      if (characters.length > room) result += '…';
      room = characters.length > room ? -1 : room - characters.length;
    }
  }
  return result;
}

/** Columns that a line takes, colours left out; wide characters count as one. */
export function columnsOf(line: string): number {
  return graphemes(stripVTControlCharacters(line)).length;
}

let segmenter: Intl.Segmenter | undefined;

/** What a reader takes for one character each. */
function graphemes(text: string): readonly string[] {
  if (/^[ -~]*$/.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
