import { DiagnosticError } from '@skerry/diagnostics';
import Handlebars from 'handlebars/dist/handlebars.js';
import { positionOf, templateError, type Place, type TemplateText } from './source.ts';

/** Parses, or throws a DiagnosticError that names the place. */
export function parseTemplate(source: TemplateText): hbs.AST.Program {
  try {
    return Handlebars.parse(source.text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { place, why } = explain(source.text, error);
    throw new DiagnosticError(
      templateError('template-syntax', 'the template cannot be read', positionOf(source, place), {
        why,
      }),
    );
  }
}

function explain(text: string, error: Error): { place: Place; why: string } {
  const { lineNumber, column } = error as { lineNumber?: number; column?: number };
  if (lineNumber !== undefined && column !== undefined) {
    return {
      place: { line: lineNumber, column },
      why: error.message.replace(/ - \d+:\d+$/, ''),
    };
  }
  const [first = '', excerpt = '', caret = '', ...rest] = error.message.split('\n');
  const line = Number(/on line (\d+)/.exec(first)?.[1] ?? 1);
  const offset = offsetOf(text, line, excerpt, caret.length - 1);
  const before = text.slice(0, offset).split('\n');
  return {
    place: { line: before.length, column: before.at(-1)?.length ?? 0 },
    why: /^[^\s{}()]+$/.test(text.slice(offset))
      ? 'the template ends inside of {{ }}'
      : rest.length === 0
        ? first
        : readable(rest.join(' ')),
  };
}

/**
 * The parser tells the line where a token ended, and an excerpt of 20 characters on both sides with
 * its line breaks taken out: the place is where the text gives the same excerpt.
 */
function offsetOf(text: string, line: number, excerpt: string, caret: number): number {
  const past = excerpt.slice(0, caret).replace(/^\.\.\./, '');
  const next = excerpt.slice(caret).replace(/\.\.\.$/, '');
  const oneLine = (part: string): string => part.replaceAll('\n', '');
  const lines = text.split('\n');
  const startOfLine = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const fits = (offset: number): boolean =>
    oneLine(text.slice(0, offset)).endsWith(past) && oneLine(text.slice(offset)).startsWith(next);
  const offsets = Array.from({ length: text.length + 1 }, (_, offset) => offset).filter(fits);
  const near = offsets.find((offset) => offset >= startOfLine) ?? offsets.at(-1);
  return near ?? startOfLine;
}

const tokens: Readonly<Record<string, string>> = {
  CLOSE: '"}}"',
  CLOSE_UNESCAPED: '"}}}"',
  CLOSE_SEXPR: '")"',
  OPEN_SEXPR: '"("',
  OPEN_ENDBLOCK: 'the end of the block, "{{/…}}"',
  INVALID: 'a character that has no place here',
  EOF: 'the end of the template',
  ID: 'a name',
  EQUALS: '"="',
  SEP: '"."',
};

/** `Expecting 'CLOSE', got 'EOF'` in words. */
function readable(message: string): string {
  const got = /got '(\w+)'/.exec(message)?.[1];
  if (got === undefined) return message;
  const expected = [...message.replace(/got .*/, '').matchAll(/'(\w+)'/g)].map(([, name]) => name);
  const has = (name: string): boolean => expected.includes(name);
  const wanted = has('CLOSE')
    ? '"}}"'
    : has('OPEN_ENDBLOCK')
      ? tokens['OPEN_ENDBLOCK']
      : has('ID')
        ? 'a name or a value'
        : undefined;
  const found = tokens[got] ?? got.toLowerCase().replaceAll('_', ' ');
  return wanted === undefined ? `there is ${found}` : `there is ${found}, expected ${wanted}`;
}
