import { describe, expect, it } from 'vitest';
import { Output, jsonLine, outputSettings } from '../src/output.ts';
import { duration } from '../src/render/duration.ts';
import { wrapAdvice } from '../src/render/layout.ts';
import { hostNames } from '../src/render/host-names.ts';
import { harmless } from '../src/terminal-text.ts';

describe('names of hosts', () => {
  it.each([
    [['a'], 'a'],
    [['a', 'b'], 'a, b'],
    [['n1', 'n2'], 'n1, n2'],
    [['n1', 'n2', 'n3'], 'n[1:3]'],
    [['n08', 'n09', 'n10', 'x', 'n11'], 'n[08:10], x, n11'],
    [['n9', 'n10', 'n11'], 'n[9:11]'],
    [['n1', 'n3', 'n5'], 'n1, n3, n5'],
    [['n01', 'n2', 'n3'], 'n01, n2, n3'],
    [[], ''],
  ])('%j is %s', (names, text) => {
    expect(hostNames(names)).toBe(text);
  });
});

describe('durations', () => {
  it.each([
    [87.4, '87 ms'],
    [994, '994 ms'],
    [996, '1.0 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 00 s'],
    [3_725_000, '1 h 02 min'],
  ])('%d is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });
});

describe('advice', () => {
  const long = `compare it with the console of the host, then run \`ssh-keyscan -p 2222 192.0.2.10 >>${'/long'.repeat(20)}/known_hosts\`, or trust the first key seen (\`hostKeys: accept-new\`)`;
  it('never breaks a command: it stands on a line of its own, as it is to be typed', () => {
    expect(wrapAdvice(long, 60)).toEqual([
      'compare it with the console of the host, then run',
      `    ssh-keyscan -p 2222 192.0.2.10 >>${'/long'.repeat(20)}/known_hosts`,
      'or trust the first key seen:',
      '    hostKeys: accept-new',
    ]);
  });
  it('stays as it is where it fits or has no command in it', () => {
    expect(wrapAdvice('run `bootstrap lab up` again', 60)).toEqual([
      'run `bootstrap lab up` again',
    ]);
    expect(wrapAdvice('see `lab.network` and the rest', 16)).toEqual([
      'see',
      '`lab.network`',
      'and the rest',
    ]);
  });
});

describe("text from a host's mouth", () => {
  it('cannot move the cursor, colour, ring or turn the direction of text', () => {
    expect(harmless('a\u001b[2Jb\u0007c\u009bd\u202ee\rf')).toBe(
      String.raw`a\x1b[2Jb\x07c\x9bd\u202ee\x0df`,
    );
  });

  it('keeps lines, tabs, CRLF as a line end, and every other character', () => {
    expect(harmless('æøå\t日本\r\n🪨\n')).toBe('æøå\t日本\n🪨\n');
  });

  it('cannot do so through JSON either, and reads back as it was', () => {
    const text = 'a\u001bb\u009bc\u202ed\u007f';
    expect(jsonLine({ text })).toBe(String.raw`{"text":"a\u001bb\u009bc\u202ed\u007f"}`);
    expect(JSON.parse(jsonLine({ text }))).toEqual({ text });
  });
});

describe('output settings', () => {
  const terminal = { TERM: 'xterm' };
  it('colours and lives on a terminal', () => {
    expect(outputSettings({}, terminal, true)).toMatchObject({ color: true, live: true });
  });
  it.each([
    ['a pipe', {}, terminal, false, { color: false, live: false }],
    ['NO_COLOR', {}, { ...terminal, NO_COLOR: '1' }, true, { color: false, live: true }],
    ['an empty NO_COLOR', {}, { ...terminal, NO_COLOR: '' }, true, { color: true, live: true }],
    ['--no-color', { color: false }, { ...terminal, FORCE_COLOR: '1' }, true, { color: false }],
    ['FORCE_COLOR', {}, { FORCE_COLOR: '1' }, false, { color: true, live: false }],
    ['CI', {}, { ...terminal, CI: 'true' }, true, { color: true, live: false }],
    ['a dumb terminal', {}, { TERM: 'dumb' }, true, { color: false, live: false }],
    ['--json', { json: true }, terminal, true, { json: true, color: false, live: false }],
  ])('%s', (_, options, environment, isTerminal, expected) => {
    expect(outputSettings(options, environment, isTerminal)).toMatchObject(expected);
  });
});

describe('the sink', () => {
  it('conceals secrets in keys and values before they are JSON, and makes the rest harmless', () => {
    const output = new Output(outputSettings({}, {}, false));
    output.conceal({ conceal: (text) => text.replaceAll('p"w\n', '⟦secret⟧') });
    expect(output.concealed({ a: ['x p"w\n y'], 'p"w\n': 1 })).toEqual({
      a: ['x ⟦secret⟧ y'],
      '⟦secret⟧': 1,
    });
    expect(output.shown({ a: 'p"w\n\u001b' })).toEqual({ a: String.raw`⟦secret⟧\x1b` });
  });
});
