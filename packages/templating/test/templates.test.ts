import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError, formatDiagnostic } from '@skerry/diagnostics';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTemplates, folderTemplates } from '../src/index.ts';

type Context = Readonly<Record<string, unknown>>;

function render(text: string, context: Context = {}, others: Record<string, string> = {}): string {
  const all: Record<string, string> = { 'dir/main.hbs': text, ...others };
  return createTemplates((name) => {
    const found = Object.hasOwn(all, name) ? all[name] : undefined;
    return found === undefined ? undefined : { text: found, path: `templates/${name}` };
  }).render('dir/main.hbs', context);
}

/** `line:column what | why | fix` of each. */
function errors(
  text: string,
  context: Context = {},
  others: Record<string, string> = {},
): string[] {
  try {
    render(text, context, others);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map(({ what, at, why, fix }) => {
      const where =
        at !== undefined && 'file' in at ? `${at.file.slice(10)}:${at.line}:${at.column} ` : '';
      return [where + what, why, fix].filter((part) => part !== undefined).join(' | ');
    });
  }
  return [];
}

describe('values', () => {
  it('are printed as they are', () => {
    expect(
      render('{{a}} {{{a}}} {{b.c}} {{l.[0]}} {{l.length}} {{t}}', {
        a: `<&"'>`,
        b: { c: 7 },
        l: ['x'],
        t: false,
      }),
    ).toBe(`<&"'> <&"'> 7 x 1 false`);
  });

  it('come from blocks, the data of loops, and outer levels', () => {
    const text =
      '{{#each hosts as |host name|}}{{name}}={{host.ip}}/{{../port}}/{{@index}}{{#unless @last}},{{/unless}}{{/each}}';
    expect(render(text, { port: 1, hosts: { a: { ip: 'x' }, b: { ip: 'y' } } })).toBe(
      'a=x/1/0,b=y/1/1',
    );
    expect(render('{{#with a}}{{b}}{{@root.c}}{{this.b}}{{/with}}', { a: { b: 1 }, c: 2 })).toBe(
      '121',
    );
    expect(render('{{#each l}}{{this}};{{else}}none{{/each}}', { l: [] })).toBe('none');
    expect(render('{{#if a}}A{{else if b}}B{{else}}C{{/if}}', { a: 0, b: '' })).toBe('C');
  });

  it('named like a helper are values where nothing is called', () => {
    expect(render('{{default}} {{join}}', { default: 1, join: 'x' })).toBe('1 x');
  });

  it('survive byte for byte, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(render('[{{value}}]', { value })).toBe(`[${value}]`);
        expect(JSON.parse(render('{{quote value}}', { value }))).toBe(value);
      }),
    );
  });
});

describe('what is missing', () => {
  it('names the place, what is there, and the nearest name', () => {
    expect(errors('a\n  {{host.nam}}', { host: { name: 'x', ip: 'y' } })).toEqual([
      'dir/main.hbs:2:5 there is no "host.nam" | "nam" is not among the names in "host": name, ip | did you mean "name"?',
    ]);
    expect(errors('{{a.b.c}}', { a: 'text' })).toEqual([
      'dir/main.hbs:1:3 there is no "a.b.c" | "a" is a string',
    ]);
    expect(errors('{{a.b}}', { a: null })).toEqual([
      'dir/main.hbs:1:3 there is no "a.b" | "a" is null',
    ]);
  });

  it.each([
    '{{missing}}',
    '{{#if missing}}x{{/if}}',
    '{{#unless missing}}x{{/unless}}',
    '{{#each missing}}x{{/each}}',
    '{{#with missing}}x{{/with}}',
    '{{#if there}}{{missing}}{{/if}}',
    '{{#each list}}{{../missing}}{{/each}}',
    '{{#each list}}{{this.missing}}{{/each}}',
    '{{#each list as |item|}}{{item.missing}}{{/each}}',
    '{{join missing}}',
    '{{default there missing}}',
    '{{#if (and there (not missing))}}x{{/if}}',
    '{{json there indent=missing}}',
    '{{@root.missing}}',
    '{{@missing}}',
    '{{> part missing}}',
    '{{> part x=missing}}',
    '{{lookup there missing}}',
  ])('is an error in %s', (text) => {
    const found = errors(text, { there: 1, list: [{ a: 1 }] }, { 'dir/part.hbs': '' });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^dir\/main\.hbs:1:\d+ there is no "[@./a-z]*missing"/);
    const column = Number(found[0]?.split(':')[2]?.split(' ')[0]);
    const name = /"(.*?)"/.exec(found[0] ?? '')?.[1] ?? '?';
    expect(text.slice(column - 1)).toMatch(new RegExp(`^${name.replaceAll('.', '\\.')}`));
  });

  it('is all told at once, and once for each place', () => {
    const text = '{{a}}\n{{#each list}}{{../b}}{{/each}}\n{{json c}}{{> part}}';
    expect(
      errors(text, { list: [1, 2, 3] }, { 'dir/part.hbs': '\n{{d}}' }).map(
        (line) => line.split(' ')[0],
      ),
    ).toEqual(['dir/main.hbs:1:3', 'dir/main.hbs:2:17', 'dir/main.hbs:3:8', 'dir/part.hbs:2:3']);
  });

  it('is no error where the template says so', () => {
    expect(
      render('{{default a.b "x"}}{{#if (defined c)}}y{{/if}}{{default n "z"}}', { n: null }),
    ).toBe('xz');
  });

  it('cannot be found in a prototype', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'a.constructor', 'l.map']) {
      expect(errors(`{{${name}}}`, { a: 'x', l: [] })).toHaveLength(1);
      expect(render(`{{default ${name} 1}}`, { a: 'x', l: [] })).toBe('1');
    }
  });

  it('is an error for any path that is not there', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.dictionary(name, fc.string()),
        (path, context) => {
          fc.pre(path.length > 1 || !Object.hasOwn(context, path[0] ?? ''));
          fc.pre(!(path.length === 2 && path[1] === 'length'));
          fc.pre(
            !['true', 'false', 'null', 'this', 'else', 'undefined', 'as'].some((word) =>
              path.includes(word),
            ),
          );
          expect(errors(`{{${path.join('.')}}}`, context)).toHaveLength(1);
        },
      ),
    );
  });
});

describe('what cannot be printed', () => {
  it('is an error, not [object Object]', () => {
    expect(
      errors('{{a}}{{b}}{{n}}{{#each b}}{{this}}{{/each}}', { a: {}, b: [[1]], n: null }),
    ).toEqual([
      'dir/main.hbs:1:3 "a" is a map and cannot be printed | only texts, numbers, true and false are printed as they are | {{join a ", "}}, {{json a}} or {{#each a}}',
      'dir/main.hbs:1:8 "b" is a list and cannot be printed | only texts, numbers, true and false are printed as they are | {{join b ", "}}, {{json b}} or {{#each b}}',
      'dir/main.hbs:1:13 "n" is null and cannot be printed | only texts, numbers, true and false are printed as they are | {{default n "…"}}',
      'dir/main.hbs:1:29 "this" is a list and cannot be printed | only texts, numbers, true and false are printed as they are | {{join this ", "}}, {{json this}} or {{#each this}}',
    ]);
    expect(errors('{{#each a}}{{/each}}', { a: 'text' })).toEqual([
      'dir/main.hbs:1:4 #each goes through a list or a map, not through a string',
    ]);
  });
});

describe('helpers', () => {
  const context = { list: ['a', 'b'], map: { k: [1] }, word: 'Word', text: 'a\n\nb\n', n: 2 };
  it.each([
    ['{{join list}}', 'a b'],
    ['{{join list ","}}', 'a,b'],
    ['{{json map}}', '{"k":[1]}'],
    ['{{json map indent=n}}', '{\n  "k": [\n    1\n  ]\n}'],
    ['{{indent text 2}}', '  a\n\n  b\n'],
    ['{{quote "a\\"b"}}', '"a\\"b"'],
    ['{{lower word}}{{upper word}}', 'wordWORD'],
    ['{{eq n 2}}{{ne n 2}}{{eq "2" n}}', 'truefalsefalse'],
    ['{{and n word}}{{and n ""}}{{or "" 0}}{{or "" n}}{{not list}}', 'truefalsefalsetruefalse'],
    ['{{lookup map "k"}}', undefined],
    ['{{join (lookup map "k")}}', '1'],
    ['{{lookup list 1}}', 'b'],
  ])('%s', (text, expected) => {
    if (expected === undefined) expect(errors(text, context)).toHaveLength(1);
    else expect(render(text, context)).toBe(expected);
  });

  it('say what they are given wrongly', () => {
    expect(errors('{{join word}}{{indent text "x"}}{{lookup map "z"}}', context)).toEqual([
      'dir/main.hbs:1:3 join takes a list, not a string',
      'dir/main.hbs:1:16 indent takes a whole number from 0 to 1000, not x',
      'dir/main.hbs:1:35 lookup finds no "z"',
    ]);
    expect(errors('{{eq 1}} {{json map indnt=2}}', context)).toEqual([
      'dir/main.hbs:1:3 eq takes 2 values | it is given 1',
      'dir/main.hbs:1:21 json has no option "indnt" | did you mean "indent"?',
    ]);
  });

  it('do not change the letters of a secret', () => {
    expect(errors('{{upper key}}', { key: '⟦secret:env:key⟧' })).toEqual([
      'dir/main.hbs:1:3 upper cannot change a secret',
    ]);
  });

  it('that do not exist are found before any value, all of them', () => {
    const all = errors('{{jion list}}\n{{#ech list}}{{/ech}}{{#if (equal a b)}}{{/if}}{{log "x"}}');
    expect(
      all.map((line) => line.replace(/ \| (helpers are|a block is)[^|]*(?=$|\|)/, '')),
    ).toEqual([
      'dir/main.hbs:1:3 there is no helper "jion"| did you mean "json"?',
      'dir/main.hbs:2:4 there is no block "ech"| did you mean "each"?',
      'dir/main.hbs:2:29 there is no helper "equal"',
      'dir/main.hbs:2:50 there is no helper "log"',
    ]);
  });
});

describe('partials', () => {
  it('lie beside the template, see its values and keep its indentation', () => {
    const others = {
      'dir/part.hbs': '- {{a}}{{b}}\n- x\n',
      'dir/in/deep.hbs': '{{> beside}}',
      'dir/in/beside.hbs': 'B',
    };
    expect(render('l:\n  {{> part b=2}}\n{{> in/deep}}', { a: 1 }, others)).toBe(
      'l:\n  - 12\n  - x\nB',
    );
  });

  it('that are not there, or wrong, are told with their place', () => {
    expect(errors('\n{{> prat}}{{> bad}}', {}, { 'dir/bad.hbs': '{{nope 1}}\n{{#if x}}' })).toEqual(
      [
        'dir/main.hbs:2:5 there is no partial "prat" | partials lie in the folder of the template that names them, and end in .hbs',
        expect.stringMatching(/^dir\/bad\.hbs:2:\d+ the template cannot be read/),
      ],
    );
    expect(errors('{{> (lookup a "b")}}{{#> x}}{{/x}}')).toHaveLength(2);
  });

  it('may include themselves, with an end', () => {
    const tree = { 'dir/tree.hbs': '({{name}}{{#each children}}{{> tree}}{{/each}})' };
    const root = { name: 'a', children: [{ name: 'b', children: [] }] };
    expect(render('{{> tree}}', root, tree)).toBe('(a(b))');
    expect(errors('{{> loop}}', {}, { 'dir/loop.hbs': '{{> loop}}' })).toEqual([
      expect.stringContaining('never ends'),
    ]);
  });
});

describe('syntax errors', () => {
  it.each([
    ['a\n{{#if x}}\n b {{/each}}', '2:4', "if doesn't match each"],
    ['a\n b {{ foo bar= }} {{', '2:16', 'there is "}}", expected a name or a value'],
    ['one\ntwo {{#if a}}\nthree', '3:6', 'there is the end of the template'],
    ['{{x', '1:3', 'the template ends inside of {{ }}'],
    ['x\ny\n{{ a b c', '3:8', 'the template ends inside of {{ }}'],
    ['first\n\nthird {{ % }} more of it here', '3:10', 'a character that has no place here'],
    ['{{a}}\n{{a}}\n{{a}}\n{{a | b}}\n{{a}}', '4:5', ''],
  ])('%j is at %s', (text, where, why) => {
    const [first, ...more] = errors(text);
    expect(more).toEqual([]);
    expect(first).toContain(`dir/main.hbs:${where} the template cannot be read`);
    expect(first).toContain(why);
  });
});

it('shows the line', () => {
  try {
    render('ip = {{host.adress}} # it', { host: { address: 1 } });
    expect.unreachable();
  } catch (error) {
    const [first] = (error as DiagnosticError).diagnostics;
    expect(first && formatDiagnostic(first)).toBe(
      [
        'error: there is no "host.adress"  [template-missing-variable]',
        '  at templates/dir/main.hbs:1:8',
        '    |',
        '  1 | ip = {{host.adress}} # it',
        '    |        ^^^^^^^^^^^',
        '  why: "adress" is not among the names in "host": address',
        '  fix: did you mean "address"?',
      ].join('\n'),
    );
  }
});

describe('folders', () => {
  it('are searched in order, and never left', async () => {
    const root = await mkdtemp(join(tmpdir(), 'skerry-templates-'));
    try {
      for (const folder of ['mine', 'theirs/sub'])
        await mkdir(join(root, folder), { recursive: true });
      await writeFile(join(root, 'mine/a.hbs'), 'mine');
      await writeFile(join(root, 'theirs/a.hbs'), 'theirs');
      await writeFile(join(root, 'theirs/sub/b.hbs'), '{{> c}}');
      await writeFile(join(root, 'theirs/sub/c.hbs'), '{{x}}');
      await writeFile(join(root, 'secret'), 'no');
      const templates = createTemplates(
        folderTemplates([join(root, 'mine'), join(root, 'theirs')]),
      );
      expect(templates.render('a.hbs', {})).toBe('mine');
      expect(templates.render('sub/b.hbs', { x: 1 })).toBe('1');
      expect(() => templates.render('../secret', {})).toThrow('there is no template "../secret"');
      expect(() => templates.render('sub/d.hbs', {})).toThrow(
        expect.objectContaining({
          diagnostics: [
            expect.objectContaining({
              why: `looked for it in ${join(root, 'mine')}, ${join(root, 'theirs')}`,
              fix: expect.stringMatching(/did you mean .* or put it at .*\/mine\/sub\/d\.hbs$/),
            }),
          ],
        }),
      );
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
