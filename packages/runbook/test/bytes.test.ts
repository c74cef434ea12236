import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { block, command, file, template } from '@skerry/steps';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { play, runbook } from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a']);
});
afterAll(() => hosts.stop());

const values: readonly (readonly [string, string])[] = [
  ['quotes', `it's "all" \`quoted\` '' '"'"' \\' \\\\ end`],
  ['expansions', '$HOME ${PATH} $(touch /srv/owned) `touch /srv/owned` $((1+1)) ~ * ? [a-z] !! #x'],
  ['newlines', 'one\n\n\ttwo\r\nthree\r\n\n\n'],
  ['no newline at the end', 'x\ny'],
  ['only newlines', '\n\n'],
  ['nothing', ''],
  ['words of the shell', "'; exit 9; '\nEOF\n}\n)\nfi\nesac\n"],
  ['other scripts', 'blåbærsyltetøy Ω 日本語 🦭 e\u0301 \u200b\u202e \u{10ffff} \ufeff'],
  ['control characters', '\u0001\u0007\u001b[2J\u007f\u0080\u009f\u2028'],
  ['formats', '%s %d %% \\n \\0 \\x41 -n -e --'],
];

test('text arrives byte for byte in files, templates, blocks and arguments', async () => {
  const rendered = new Map(values);
  const book = runbook({
    name: 'bytes',
    description: '',
    plays: [
      play('Bytes', { hosts: 'all' }, () => [
        ...values.map(([name, content], index) =>
          file(`/srv/it's $(x) ${index}`, { content, tags: [name] }),
        ),
        ...values.map(([name], index) => template(`/srv/template-${index}`, name)),
        ...values.map(([, value], index) =>
          command(`argument ${index}`, {
            run: 'printf %s "$1" >"$2" && printf %s "$VALUE" >>"$2"',
            args: [value, `/srv/argument-${index}`],
            env: { VALUE: value },
            creates: `/srv/argument-${index}`,
          }),
        ),
        ...values
          .filter(([, value]) => value.trim() !== '')
          .map(([name, value]) => block('/srv/blocks', { name, content: value, create: true })),
      ]),
    ],
  });
  const options = {
    templates: () => ({
      render: (name: string) => rendered.get(name) ?? '',
      source: (name: string) => name,
      manifest: (name: string) => name,
      chart: (name: string) => name,
    }),
  };
  const { hosts: recap, exitCode } = await hosts.run(book, options);
  expect(recap[0]?.failure).toBeUndefined();
  expect(exitCode).toBe(0);
  for (const [index, [, value]] of values.entries()) {
    expect(read(hosts.at('a', `srv/it's $(x) ${index}`))).toBe(value);
    expect(read(hosts.at('a', `srv/template-${index}`))).toBe(value);
    expect(read(hosts.at('a', `srv/argument-${index}`))).toBe(value + value);
  }
  const blocks = read(hosts.at('a', 'srv/blocks'));
  for (const [, value] of values) expect(blocks).toContain(value.replace(/\n+$/, ''));
  expect(() => read(hosts.at('a', 'srv/owned'))).toThrow(/ENOENT/);

  const again = await hosts.run(book, options);
  expect(lines(again.plan)).toEqual([]);
});

test('1 MB of text and of bytes arrive whole, and a change of one byte is seen', async () => {
  const text = 'æ$(x)\'"\n'.repeat(130_000);
  const bytes = randomBytes(1_048_576);
  const bookOf = (content: Buffer): ReturnType<typeof runbook> =>
    runbook({
      name: 'large',
      description: '',
      plays: [
        play('Large', { hosts: 'all' }, () => [
          file('/srv/text', { content: text }),
          file('/srv/bytes', { content: { base64: content.toString('base64') } }),
        ]),
      ],
    });
  expect(Buffer.byteLength(text)).toBeGreaterThan(1_048_576);
  const { hosts: recap } = await hosts.run(bookOf(bytes));
  expect(recap[0]).toMatchObject({ outcome: 'changed', changed: 2 });
  expect(read(hosts.at('a', 'srv/text'))).toBe(text);
  expect(readFileSync(hosts.at('a', 'srv/bytes')).equals(bytes)).toBe(true);

  const other = Buffer.from(bytes);
  other.writeUInt8(other.readUInt8(700_000) ^ 1, 700_000);
  const again = await hosts.run(bookOf(other));
  expect(lines(again.plan)).toEqual(['a file /srv/bytes [exact]: /srv/bytes (content)']);
  expect(readFileSync(hosts.at('a', 'srv/bytes')).equals(other)).toBe(true);
  expect(lines((await hosts.run(bookOf(other))).plan)).toEqual([]);
});
