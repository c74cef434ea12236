import { DiagnosticError } from '@skerry/diagnostics';
import { parseInventory, selectHosts } from '@skerry/inventory';
import { command, file, handler, reboot, template } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { play, runbook, type Play } from '../src/index.ts';
import { expand, type ExpandedPlay, type ExpandRequest } from '../src/expand.ts';
import { factsOf } from './facts-of.ts';

const inventory = parseInventory(
  'cluster: { name: c }\ngroups: { g: { hosts: { a: { address: 192.0.2.1 } } } }\n',
  'c.yaml',
);
const [host] = selectHosts(inventory, 'all');

function expanded(plays: readonly Play[], more: Partial<ExpandRequest> = {}): ExpandedPlay[] {
  if (host === undefined) throw new Error('no host');
  const facts = factsOf('a');
  return expand({
    runbook: runbook({ name: 'r', description: '', plays }),
    inventory,
    host,
    facts,
    fleet: new Map([['a', facts]]),
    members: new Map(plays.map(({ name }) => [name, new Set(['a'])])),
    tags: undefined,
    resolve: {
      render: (name) => `rendered ${name}`,
      source: (name) => name,
      manifest: (name) => name,
      chart: (name) => name,
    },
    canonical: (text) => text,
    ...more,
  });
}

const ids = (plays: readonly ExpandedPlay[]): string[] =>
  plays.flatMap(({ play, steps }) => steps.map(({ id }) => `${play}: ${id}`));

function faultsOf(work: () => unknown): DiagnosticError['diagnostics'] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  throw new Error('no error');
}

const x = file('/x', { content: 'x' });

describe('what a host gets', () => {
  test('plays whose hosts and condition match, steps with their defaults', () => {
    const plays = [
      play('Mine', { hosts: 'all', when: ({ host }) => host.facts.family === 'debian' }, () => [x]),
      play('Not now', { hosts: 'all', when: ({ host }) => host.facts.cgroup === 1 }, () => [x]),
      play('Others', { hosts: 'all', become: false }, () => [file('/y', { content: 'y' })]),
    ];
    const members = new Map([
      ['Mine', new Set(['a'])],
      ['Not now', new Set(['a'])],
      ['Others', new Set(['b'])],
    ]);
    const got = expanded(plays, { members });
    expect(ids(got)).toEqual(['Mine: file /x']);
    expect(got[0]).toMatchObject({ become: true, skipped: [] });
    expect(got[0]?.steps[0]?.desired).toMatchObject({ path: '/x', content: 'x', sensitive: false });
    expect(expanded(plays.slice(2))[0]).toMatchObject({ become: false });
  });

  test('tags of a play count for its steps; without tags nothing is left out', () => {
    const plays = [
      play('Tagged', { hosts: 'all', tags: ['disk'] }, () => [x]),
      play('Plain', { hosts: 'all' }, () => [
        file('/net', { content: '', tags: ['net', 'all'] }),
        file('/none', { content: '' }),
      ]),
    ];
    expect(ids(expanded(plays, { tags: ['disk'] }))).toEqual(['Tagged: file /x']);
    expect(ids(expanded(plays, { tags: ['net', 'disk'] }))).toEqual([
      'Tagged: file /x',
      'Plain: file /net',
    ]);
    expect(ids(expanded(plays, { tags: ['nothing'] }))).toEqual([]);
    expect(ids(expanded(plays))).toHaveLength(3);
  });

  test('a step left out by when is named, and one that needs it does without', () => {
    const off = file('/off', { content: '', when: false });
    const tagged = file('/tagged', { content: '', tags: ['t'] });
    const [got] = expanded([
      play('P', { hosts: 'all' }, () => [
        off,
        tagged,
        file('/on', { content: '', needs: [off, tagged], notify: handler('h', ':') }),
      ]),
    ]);
    expect(got?.skipped).toEqual(['file /off']);
    expect(got?.steps.map(({ id, needs }) => [id, needs])).toEqual([
      ['file /tagged', []],
      ['file /on', ['file /tagged']],
    ]);
    expect(got?.steps[1]?.notify.map(({ id }) => id)).toEqual(['h']);
  });

  test('equal secrets are made equal, deep in what is desired', () => {
    const canonical = (text: string): string => text.replaceAll('⟦b⟧', '⟦a⟧');
    const [got] = expanded(
      [
        play('P', { hosts: 'all' }, () => [
          command('c', { run: 'x', args: ['⟦b⟧'], creates: '/x' }),
        ]),
      ],
      { canonical },
    );
    expect(got?.steps[0]?.desired).toMatchObject({ args: ['⟦a⟧'] });
  });
});

describe('faults of a runbook', () => {
  test('two steps of one name, also in different plays', () => {
    const plays = [
      play('One', { hosts: 'all' }, () => [x]),
      play('Two', { hosts: 'all' }, () => [x]),
    ];
    expect(faultsOf(() => expanded(plays))).toMatchObject([
      { code: 'duplicate-step', what: 'two steps are called "file /x"', at: { step: 'Two' } },
    ]);
  });

  test('what cannot be done in plays that run at the same time', () => {
    const both = handler('both', ':');
    const notifying = file('/first', { content: '', notify: both });
    const first = play('One', { hosts: 'all' }, () => [x, notifying]);
    const own = file('/own', { content: '', notify: both });
    const second = play('Two', { hosts: 'all', alongside: 'One' }, () => [
      own,
      file('/late', { content: '', needs: [x, own] }),
      reboot({ when: 'required' }),
    ]);
    expect(faultsOf(() => expanded([first, second]))).toMatchObject([
      {
        code: 'handler-alongside',
        what: '"file /first" notifies "both", as a step does that runs at the same time',
        at: { step: 'One › file /first' },
      },
      { code: 'handler-alongside', at: { step: 'Two › file /own' } },
      {
        code: 'need-alongside',
        what: '"file /late" needs "file /x", which runs at the same time',
        at: { step: 'Two › file /late' },
      },
      { code: 'reboot-alongside', what: '"reboot" reboots the host while other steps run on it' },
    ]);
    // Where the host has no steps in the other play, there is nothing in the way.
    const elsewhere = play('One', { hosts: 'all' }, () => []);
    expect(expanded([elsewhere, second])[1]?.steps).toHaveLength(3);
  });

  test('a step that needs one that comes later', () => {
    const plays = [
      play('P', { hosts: 'all' }, () => [file('/early', { content: '', needs: x }), x]),
    ];
    expect(faultsOf(() => expanded(plays))).toMatchObject([
      {
        code: 'need-later',
        what: '"file /early" needs "file /x", which comes after it',
        at: { host: 'a', step: 'P › file /early' },
      },
    ]);
  });

  test('what is desired is checked: every fault, with host and step', () => {
    const plays = [
      play('P', { hosts: 'all' }, () => [file('relative', { content: 'x', mode: '9z' })]),
    ];
    const faults = faultsOf(() => expanded(plays));
    expect(faults.map(({ what }) => what.split(':')[0])).toEqual(['path', 'mode']);
    expect(faults[0]).toMatchObject({
      code: 'bad-step',
      at: { host: 'a', step: 'P › file relative' },
      fix: 'see the options of the step kind "file"',
      why: expect.stringMatching(/^asked for in \S*test\/expand\.test\.ts:175:\d+$/),
    });
  });

  const madeUp = (name: string): string => `/${name}`;
  test.each([
    [{ content: 7 }, 'content must be text or a map, not a number', 'put content in quotes'],
    [{}, 'content is missing: it must be text or a map', undefined],
    [{ content: '', mode: 0o644 }, 'mode must be text, not a number', 'put mode in quotes'],
    [{ content: '', owner: ['x'] }, 'owner must be text or a number, not a list', undefined],
    [{ content: '', sensitive: 'yes' }, 'sensitive must be true or false, not text', undefined],
    [{ content: { base64: '€' } }, /^content\.base64\b/, undefined],
  ])('a wrong value is told in words: %j', (options, what, fix) => {
    const steps = [file(madeUp('x'), options as unknown as Parameters<typeof file>[1])];
    const [fault] = faultsOf(() => expanded([play('P', { hosts: 'all' }, () => steps)]));
    expect(fault?.what).toMatch(what);
    expect(fault?.fix).toBe(fix ?? 'see the options of the step kind "file"');
    // A name that is made up is not found in the text: where the play begins.
    expect(fault?.why).toMatch(/expand\.test\.ts:\d+:\d+$/);
  });

  test('what is wrong in a template is told with the step that asked for it', () => {
    const at = { file: 'motd.hbs', line: 3, column: 7 };
    const render = (): string => {
      throw new DiagnosticError({ code: 'x', severity: 'error', what: 'no "nme"', at });
    };
    const resolve = { render, source: madeUp, manifest: madeUp, chart: madeUp };
    const plays = [play('P', { hosts: 'all' }, () => [template('/etc/motd', 'motd.hbs')])];
    expect(faultsOf(() => expanded(plays, { resolve }))).toMatchObject([
      {
        what: 'no "nme"',
        at,
        why: expect.stringMatching(/^asked for by P › template \/etc\/motd \(/),
      },
    ]);
  });

  test.each([
    ['body', play('P', { hosts: 'all' }, () => raise())],
    ['condition', play('P', { hosts: 'all', when: () => raise() }, () => [])],
  ])('what its %s throws is told with host, play and the line in the runbook', (_, broken) => {
    const [fault] = faultsOf(() => expanded([broken]));
    expect(fault).toMatchObject({
      code: 'runbook-error',
      what: 'no such thing',
      at: { host: 'a', step: 'P' },
    });
    expect(fault?.why).toMatch(/^thrown at \/.*expand\.test\.ts:\d+:\d+$/);
  });
});

function raise(): never {
  throw new TypeError('no such thing');
}

test('handlers that are none are told when the runbook is expanded, all at once', () => {
  const wrong = [
    handler('reload', { run: 'true' } as unknown as string),
    handler('', ':', 7 as unknown as string),
    'restart x' as unknown as ReturnType<typeof handler>,
  ];
  const plays = [play('P', { hosts: 'all' }, () => [file('/x', { content: 'x', notify: wrong })])];
  const found = faultsOf(() => expanded(plays));
  expect(found.map(({ code }) => code)).toEqual(Array(4).fill('bad-handler'));
  expect(found.map(({ what }) => what)).toEqual([
    'handler "reload": what it runs is a text (sh), not {"run":"true"}',
    'the id of a handler is a text of 1 to 80 characters, not ""',
    'handler "": its values are texts, not 7',
    'notify: "restart x" is no handler',
  ]);
  expect(found[0]?.at).toEqual({ host: 'a', step: 'P › file /x' });
});

test('a play is told which steps are still to come: those of --tags, and none in the second look', () => {
  const asking = (more: Partial<ExpandRequest>): string[] => {
    const told: string[] = [];
    const ask = play('Ask', { hosts: 'all' }, ({ isComing }) => {
      told.push(...['workers', 'objects'].filter((tag) => isComing(tag)));
      return [x];
    });
    expanded([ask], more);
    return told;
  };
  expect(asking({})).toEqual(['workers', 'objects']);
  expect(asking({ tags: ['objects'] })).toEqual(['objects']);
  expect(asking({ isDone: true })).toEqual([]);
});
