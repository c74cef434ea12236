import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { expect, test } from 'vitest';
import { hostFailure } from '../src/index.ts';

const missing = (name: string, line: number): Diagnostic => ({
  code: 'template-missing-variable',
  severity: 'error',
  what: `there is no "${name}"`,
  at: { file: 'templates/x.hbs', line, column: 8, text: `a = {{${name}}}` },
  why: `"${name}" is not among the names here: a, b`,
  fix: `define ${name}`,
});

test('a finding keeps its place in the file', () => {
  expect(hostFailure(new DiagnosticError(missing('one', 3)), 'failed').failure).toEqual({
    code: 'template-missing-variable',
    what: 'there is no "one" (templates/x.hbs:3:8)',
    why: '"one" is not among the names here: a, b',
    fix: 'define one',
  });
});

test('several findings keep their own places, reasons and advice', () => {
  const { failure } = hostFailure(
    new DiagnosticError([missing('one', 3), missing('two', 4)]),
    'failed',
  );
  expect(failure).toEqual({
    code: 'template-missing-variable',
    what: [
      'there is no "one" (templates/x.hbs:3:8)',
      '  why: "one" is not among the names here: a, b',
      '  fix: define one',
      'there is no "two" (templates/x.hbs:4:8)',
      '  why: "two" is not among the names here: a, b',
      '  fix: define two',
    ].join('\n'),
  });
});
