import { describe, expect, it } from 'vitest';
import {
  formatDiagnostic,
  formatPosition,
  type Diagnostic,
  type SourcePosition,
} from '../src/index.ts';

const base: Diagnostic = { code: 'unknown-key', severity: 'error', what: 'unknown key "adress"' };
const at: SourcePosition = {
  file: 'oslo.yaml',
  line: 12,
  column: 7,
  text: '      adress: 10.0.0.1',
  length: 6,
};

function frame(position: Partial<SourcePosition>): { text: string; marks: string } {
  const lines = formatDiagnostic({ ...base, at: { ...at, ...position } }).split('\n');
  const [text = '', marks = ''] = lines
    .slice(3, 5)
    .map((line) => line.slice(line.indexOf('|') + 2));
  return { text, marks };
}

describe('formatDiagnostic', () => {
  it('tells what, where, why and what to do, in this order', () => {
    expect(
      formatDiagnostic({ ...base, at, why: 'known here: address', fix: 'did you mean "address"?' }),
    ).toBe(`error: unknown key "adress"  [unknown-key]
  at oslo.yaml:12:7
     |
  12 |       adress: 10.0.0.1
     |       ^^^^^^
  why: known here: address
  fix: did you mean "address"?`);
  });

  it('leaves out what is not known', () => {
    expect(formatDiagnostic({ ...base, severity: 'warning' })).toBe(
      'warning: unknown key "adress"  [unknown-key]',
    );
    const { text: _, length: __, ...bare } = at;
    expect(formatDiagnostic({ ...base, at: bare }).split('\n')).toHaveLength(2);
  });

  it('names host and step', () => {
    expect(formatPosition({ host: 'node-01', step: 'Kernel › swap' })).toBe(
      'node-01 › Kernel › swap',
    );
    expect(formatPosition({ host: 'node-01' })).toBe('node-01');
  });

  it('keeps further lines of a text below the first', () => {
    const lines = formatDiagnostic({ ...base, what: 'one\ntwo', why: 'three\nfour' }).split('\n');
    expect(lines).toEqual([
      'error: one',
      '       two  [unknown-key]',
      '  why: three',
      '       four',
    ]);
  });

  it('colours only when asked to', () => {
    const escape = String.fromCharCode(27);
    expect(formatDiagnostic({ ...base, at })).not.toContain(escape);
    expect(formatDiagnostic({ ...base, at }, { color: true })).toContain(escape);
  });
});

describe('the code frame', () => {
  it('puts marks below what is meant, behind tabs as well', () => {
    const { text, marks } = frame({ text: '\t\tadress: 1', column: 3 });
    expect(text).toBe('\t\tadress: 1');
    expect(marks).toBe('\t\t^^^^^^');
  });

  it('marks no more than the line has, and at least one place', () => {
    expect(frame({ length: 999 }).marks.trim()).toBe('^'.repeat('adress: 10.0.0.1'.length));
    expect(frame({ column: 23, length: 4 }).marks.trim()).toBe('^');
    expect(frame({ text: '', column: 1 }).marks).toBe('^');
  });

  it.each([1, 100, 5000, 9990])('cuts a long line around column %i', (column) => {
    const line = `${'x'.repeat(column - 1)}KEY${'y'.repeat(10_000 - column)}`;
    const { text, marks } = frame({ text: line, column, length: 3 });
    expect(text.length).toBeLessThan(170);
    expect(text.slice(marks.indexOf('^'), marks.indexOf('^') + 3)).toBe('KEY');
  });

  it('lets no control character through to the terminal', () => {
    const evil = 'a\u001B[2Jb\u009B1mc\rd\u0007';
    const shown = formatDiagnostic({
      ...base,
      what: evil,
      why: evil,
      fix: evil,
      at: { ...at, text: evil },
    });
    for (const code of [0x1b, 0x9b, 0x0d, 0x07])
      expect(shown).not.toContain(String.fromCharCode(code));
    expect(shown).toContain('b');
  });
});
