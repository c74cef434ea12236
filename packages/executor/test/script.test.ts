import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Part, renderScript } from '../src/index.ts';
import { type Frame, FrameReader } from '../src/frame-reader.ts';

const nonce = '0123456789abcdef0123456789abcdef';
const shells: readonly (readonly [string, readonly string[]])[] = [
  ['/bin/dash', []],
  ['/bin/busybox', ['sh']],
  ['/bin/bash', ['--posix']],
];
const present = shells.filter(([shell]) => existsSync(shell));

function frames(bytes: Buffer): Frame[] {
  const found: Frame[] = [];
  new FrameReader(nonce, (frame) => found.push(frame)).push(bytes);
  return found;
}

function run([shell, first]: readonly [string, readonly string[]], parts: readonly Part[]) {
  const script = renderScript(parts, { nonce });
  const ran = spawnSync(shell, [...first, '-s'], { input: script, maxBuffer: 2 ** 26 });
  const out = frames(ran.stdout);
  const err = frames(ran.stderr);
  return {
    status: ran.status,
    parts: out
      .filter((frame) => frame.part !== undefined)
      .map((frame, index) => ({
        part: frame.part,
        code: frame.status,
        stdout: frame.content.toString(),
        stderr: err[index]?.content.toString(),
      })),
    ended: out.at(-1)?.part === undefined && err.at(-1)?.part === undefined && out.length > 0,
    raw: ran,
  };
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      "'",
      '"',
      '\\',
      '\n',
      '$',
      '(',
      ')',
      '`',
      ' ',
      '\t',
      '\r',
      '!',
      '*',
      '~',
      '#',
      'Å',
      '€',
      '𝄞',
      '\u0081',
      '\u0088',
      '-',
      '%',
      'n',
    ),
    maxLength: 40,
  }),
);

test('the shells to try are there', () => {
  expect(present.map(([shell]) => shell)).toContain('/bin/dash');
  expect(present.map(([shell]) => shell)).toContain('/bin/busybox');
});

describe.each(present)('through %s', (...shell) => {
  test('arguments arrive byte for byte, and output leaves so', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 6 }), (values) => {
        const args = values.map((value) => value.replaceAll('\0', '').toWellFormed());
        const result = run(shell, [
          { code: 'for a; do printf "%s\\037" "$a"; done', args },
          { code: 'printf %s "$1" >&2', args: [args.join("'")] },
        ]);
        expect(result.ended).toBe(true);
        expect(result.parts).toEqual([
          { part: 0, code: 0, stdout: args.map((arg) => `${arg}\u001F`).join(''), stderr: '' },
          { part: 1, code: 0, stdout: '', stderr: args.join("'") },
        ]);
      }),
      { numRuns: 40 },
    );
  });

  test('an argument of 1 MB arrives', () => {
    const big = "it's 7 chars\n".repeat(80_000);
    const [part] = run(shell, [{ code: 'printf %s "$1"', args: [big] }]).parts;
    expect(part?.stdout === big).toBe(true);
  });

  test('no command can eat the rest of the script', () => {
    const { parts, ended } = run(shell, [
      { code: 'cat; read line; echo "[$line]"', args: [] },
      { code: 'echo still here', args: [] },
    ]);
    expect(parts.map((part) => part.stdout)).toEqual(['[]\n', 'still here\n']);
    expect(ended).toBe(true);
  });

  test.each([
    "echo 'open",
    'echo )',
    '}',
    'if',
    'echo "$(',
    'cat <<X',
    'exit 3',
    'set -e; false; echo no',
  ])('the code %j harms no other part', (code) => {
    const { parts, ended } = run(shell, [
      { code, args: ['$(touch /nonexistent/x)', "'; echo leaked; '"] },
      { code: 'echo after', args: [] },
    ]);
    expect(ended).toBe(true);
    expect(parts[0]?.code === 0).toBe(code === 'cat <<X');
    expect(parts[0]?.stdout).not.toContain('leaked');
    expect(parts[1]).toMatchObject({ code: 0, stdout: 'after\n' });
  });

  test('tracing cannot forge a frame', () => {
    const { parts } = run(shell, [
      { code: 'set -xv', args: [], inShell: true },
      { code: 'echo "$1"', args: ['x'] },
    ]);
    expect(parts.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, ''],
      [0, 'x\n'],
    ]);
  });

  test('a part in the shell outlives its run, another does not', () => {
    const hold = { code: 'kept=$1; exec 9>/dev/null', args: ['yes'] };
    const look = { code: 'echo "${kept-gone}"; true >&9', args: [] };
    const inShell = { inShell: true };
    const stays = run(shell, [{ ...hold, ...inShell }, { ...look, ...inShell }, look]);
    expect(stays.parts[1]).toMatchObject({ code: 0, stdout: 'yes\n' });
    // what a subshell starts, a daemon say, must not hold the lock
    expect(stays.parts[2]?.stdout).toBe('yes\n');
    expect(stays.parts[2]?.code).not.toBe(0);
    const apart = run(shell, [hold, { ...look, ...inShell }]);
    expect(apart.parts[1]?.stdout).toBe('gone\n');
  });

  test('a syntax error in the shell itself leaves the shell alive', () => {
    const { parts, ended } = run(shell, [
      { code: 'echo (', args: [], inShell: true },
      { code: 'echo alive', args: [] },
    ]);
    expect(ended).toBe(true);
    expect(parts[1]?.stdout).toBe('alive\n');
    expect(parts[0]?.code).not.toBe(0);
  });

  test('after a required part that fails nothing runs', () => {
    const { parts, ended } = run(
      shell,
      [0, 6, 7, 0].map((status) => ({
        code: 'echo "$1"; exit "$1"',
        args: [String(status)],
        required: status !== 6,
      })),
    );
    expect(parts.map((part) => part.code)).toEqual([0, 6, 7]);
    expect(ended).toBe(true);
  });
});

describe.each(present)('parts that are joined, through %s', (...shell) => {
  const joins = true;
  const each = 'while :; do echo "$1"; shift; [ $# -gt 0 ] || exit 5; next "${#1}"; done';
  const asked = (...args: string[]): Part[] =>
    args.map((arg) => ({ code: each, args: [arg], joins }));

  test('run once, and answer each for itself', () => {
    const { parts } = run(shell, [
      { code: each, args: ['alone'] },
      ...asked('a', 'bb', 'ccc'),
      { code: 'echo "$#"', args: [], joins },
      ...asked('d'),
    ]);
    expect(parts.map(({ part, code, stdout }) => [part, code, stdout])).toEqual([
      [0, 5, 'alone\n'],
      [1, 2, 'a\n'],
      [2, 3, 'bb\n'],
      [3, 5, 'ccc\n'],
      [4, 0, '0\n'],
      [5, 5, 'd\n'],
    ]);
  });

  test('are so few at a time that a command line can hold their arguments', () => {
    const code = `/bin/echo "$@" | wc -c; while [ $# -gt 1 ]; do next 0; shift; done`;
    const args = ['x'.repeat(4000)];
    const { parts } = run(
      shell,
      Array.from({ length: 600 }, () => ({ code, args, joins })),
    );
    expect(parts).toHaveLength(600);
    expect(parts.filter(({ stdout }) => stdout !== '').map(({ stdout }) => Number(stdout))).toEqual(
      [200, 200, 200].map((count) => count * 4001),
    );
  });
});

test('the same code is sent once', () => {
  const code = ': a code that can be found';
  const script = renderScript(
    [1, 2, 3].map((n) => ({ code, args: [String(n)] })),
    { nonce },
  );
  expect(script.split(code)).toHaveLength(2);
});

test('NUL and half surrogate pairs are refused, all in one go', () => {
  const parts = [
    { code: 'true', args: ['ok', 'a\0b'] },
    { code: 'true', args: ['\uD800'] },
  ];
  expect(() => renderScript(parts, { nonce })).toThrow(
    /argument 2 of part 1 cannot.*\n.*argument 1 of part 2 cannot/,
  );
});

test('frames are found however the stream is cut', () => {
  const stream = Buffer.concat([
    Buffer.from('Ærø€𝄞 no newline'),
    Buffer.from(`${nonce} 0 3\n`),
    Buffer.from(`\n${nonce.slice(0, 20)}\n${nonce} not a frame\n`),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(`${nonce} 1 0\n${nonce} end 0\n`),
  ]);
  const whole = frames(stream);
  expect(whole.map((frame) => frame.part)).toEqual([0, 1, undefined]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const found: Frame[] = [];
      const seen: Buffer[] = [];
      const reader = new FrameReader(
        nonce,
        (frame) => found.push(frame),
        (bytes) => seen.push(Buffer.from(bytes)),
      );
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        reader.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(found).toEqual(whole);
      expect(Buffer.concat(seen)).toEqual(Buffer.concat(whole.map((frame) => frame.content)));
    }),
    { numRuns: 50 },
  );
});
