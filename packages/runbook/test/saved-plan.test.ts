import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { renderScript } from '@skerry/executor';
import { absent, block, command, directory, file, handler, symlink, template } from '@skerry/steps';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  encodePlanFile,
  planFileText,
  play,
  readPlanFile,
  runbook,
  type Plan,
  type PlanFileInput,
  type Runbook,
  type SavedPlan,
} from '../src/index.ts';
import { toPart } from '../src/parts.ts';
import { clearPending, recordPending } from '../src/pending-handlers.ts';
import type { PlanFile } from '../src/plan-file/schema.ts';
import { digestOf } from '../src/plan-file/digest.ts';
import { lines, startHosts, type LoopbackHosts } from './loopback-hosts.ts';
import { inputOf, testKey } from './plan-file-input.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a', 'b']);
  hosts.secrets.add(token, password);
});
afterAll(() => hosts.stop());
beforeEach(() => {
  for (const host of ['a', 'b']) {
    for (const path of ['srv', 'lib']) {
      rmSync(hosts.at(host, path), { recursive: true, force: true });
      mkdirSync(hosts.at(host, path), { recursive: true });
    }
  }
  rmSync(hosts.stateFolder, { recursive: true, force: true });
});

const token = '⟦secret:env:PASSWORD⟧';
const password = `corr"ect'horse`;
const mark = handler('mark', 'echo ran >>/srv/handled');

const simple = runbook({
  name: 'simple',
  description: 'Two files and a handler',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => [
      file('/srv/name', { content: `${host.name}\n`, notify: mark }),
      file('/srv/other', { content: 'same\n' }),
    ]),
  ],
});

/** Every way of sending values that a step kind has: texts, bytes, digests, secrets, conditions. */
const mixed = runbook({
  name: 'mixed',
  description: 'Step kinds that keep to /srv',
  plays: [
    play('First', { hosts: 'all' }, ({ host }) => {
      const folder = directory('/srv/etc', { mode: '0750' });
      return [
        folder,
        file('/srv/etc/a', {
          content: `it's "${host.name}" $(x)\r\nno end`,
          notify: mark,
          needs: folder,
        }),
        file('/srv/bytes', { source: 'bytes' }),
        template('/srv/rendered', 'greeting', { notify: mark }),
        file('/srv/secret', { content: `password=${token}\n`, mode: '0600' }),
        symlink('/srv/link', '/srv/rendered'),
        absent('/srv/old'),
      ];
    }),
    play('Second', { hosts: 'b' }, () => [
      block('/srv/hosts', { name: 'mine', content: `x ${token}\n`, create: true }),
      command('once', { run: 'printf %s "$1" >/srv/done', args: [token], creates: '/srv/done' }),
    ]),
  ],
});

const templates = () => ({
  render: (name: string) => `${name} 🦭\n`,
  source: () => ({ base64: Buffer.from([0, 255, 1]).toString('base64') }),
  manifest: (name: string) => name,
  chart: (name: string) => name,
});

/** Plans, and gives the plan as a file that was written and read again. */
async function save(book: Runbook, more: Partial<PlanFileInput> = {}): Promise<SavedPlan> {
  const { plan, observations, hosts: recap } = await hosts.run(book, { mode: 'plan', templates });
  expect(recap.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  const options = { secrets: hosts.secrets, tokens: [token], ...more };
  const written = planFileText(encodePlanFile(inputOf(plan, observations, options)));
  return readPlanFile(written, 'plan.json');
}

const apply = (book: Runbook, saved: SavedPlan, more: Parameters<typeof hosts.run>[1] = {}) =>
  hosts.run(book, { templates, saved: { ...saved, key: testKey }, ...more });

/** The diagnostics that refuse it, as `code host step`. */
async function refused(book: Runbook, saved: SavedPlan): Promise<string[]> {
  const before = contents();
  let asked = 0;
  try {
    await apply(book, saved, { approve: () => Promise.resolve((asked += 1) > 0) });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.exitCode).toBe(1);
    expect(asked).toBe(0);
    expect(contents()).toEqual(before);
    return error.diagnostics.map(({ code, at }) =>
      at !== undefined && 'host' in at ? `${code} ${at.host} ${at.step ?? ''}`.trim() : code,
    );
  }
  throw new Error('it was applied');
}

/** Every file below /srv of each host. */
function contents(): Record<string, string> {
  return Object.fromEntries(
    ['a', 'b'].flatMap((host) => {
      const folder = hosts.at(host, 'srv');
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path, readFileSync(path, 'latin1')]);
    }),
  );
}

const changed = (saved: SavedPlan, change: (file: PlanFile) => void): SavedPlan => {
  const copy = structuredClone(saved.file);
  change(copy);
  return readPlanFile(planFileText({ ...copy, digest: digestOf(copy) }), 'plan.json');
};

describe('a saved plan', () => {
  for (const [name, book] of [
    ['simple', simple],
    ['mixed', mixed],
  ] as const) {
    test(`of "${name}" is applied as it stands: the hosts receive its very scripts, and no others`, async () => {
      for (const host of ['a', 'b']) writeFileSync(hosts.at(host, 'srv/old'), '');
      const saved = await save(book);
      let shown: Plan | undefined;
      const outcome = await apply(book, saved, {
        approve: (plan) => {
          shown = plan;
          hosts.sent.length = 0;
          return Promise.resolve(true);
        },
      });
      expect(outcome.exitCode).toBe(0);
      expect(shown).toEqual(saved.plan);
      for (const { host, plays } of saved.plan.hosts) {
        const sent = hosts.sent.filter((one) => one.host === host).map(({ script }) => script);
        // The first one uses the plan up, the last one verifies.
        const changing = sent.slice(1, -1).filter((script) => script.includes('|| return 0'));
        const wanted = plays.flatMap(({ steps, handlers }) => [
          ...steps.map(({ notify, converge }) => ({
            before:
              notify.length === 0
                ? []
                : [
                    recordPending(
                      book.name,
                      handlers.filter(({ id }) => notify.includes(id)),
                    ),
                  ],
            fragment: converge,
            after: [],
          })),
          ...handlers.map((handler) => ({
            before: [],
            fragment: handler.fragment,
            after: [clearPending(book.name, handler)],
          })),
        ]);
        expect(changing).toHaveLength(wanted.length);
        for (const [index, { before, fragment, after }] of wanted.entries()) {
          const script = changing[index] ?? '';
          const nonce =
            /^printf '%s%s %s %s\\n' (\w+) (\w+) /m.exec(script)?.slice(1).join('') ?? '';
          const parts = [...before, fragment, ...after].map((each) => ({
            ...toPart(each, hosts.secrets),
            required: true,
          }));
          expect(script).toBe(renderScript(parts, { nonce }));
        }
      }
      const again = await hosts.run(book, { mode: 'plan', templates });
      expect(lines(again.plan)).toEqual([]);
    });
  }

  test('no secret stands in the file or in the scripts that are recorded', async () => {
    const saved = await save(mixed);
    expect(planFileText(saved.file)).not.toContain("ect'horse");
    expect(saved.file.secrets.map((secret) => secret.token)).toEqual([token]);
    await apply(mixed, saved);
    expect(readFileSync(hosts.at('b', 'srv/secret'), 'utf8')).toBe(`password=${password}\n`);
    expect(readFileSync(hosts.at('b', 'srv/done'), 'utf8')).toBe(password);
  });

  test('two plans of the same state are the same bytes', async () => {
    const [first, second] = [await save(simple), await save(simple)];
    expect(planFileText(second.file)).toBe(planFileText(first.file));
  });

  test('a plan without changes is applied by doing nothing, and is not used up', async () => {
    await hosts.run(simple);
    const saved = await save(simple);
    for (let times = 0; times < 2; times++) {
      expect((await apply(simple, saved)).exitCode).toBe(0);
    }
  });
});

describe('is refused, and nothing is touched, when', () => {
  test('a step that is to change was changed by hand', async () => {
    const saved = await save(simple);
    writeFileSync(hosts.at('b', 'srv/other'), 'by hand\n');
    expect(await refused(simple, saved)).toEqual(['host-moved b Files › file /srv/other']);
    // Undone, the same plan applies.
    rmSync(hosts.at('b', 'srv/other'));
    expect((await apply(simple, saved)).exitCode).toBe(0);
  });

  test('the content that it would replace is another one', async () => {
    mkdirSync(hosts.at('a', 'srv'), { recursive: true });
    writeFileSync(hosts.at('a', 'srv/other'), 'one\n');
    const saved = await save(simple);
    writeFileSync(hosts.at('a', 'srv/other'), 'two\n');
    expect(await refused(simple, saved)).toEqual(['host-moved a Files › file /srv/other']);
  });

  test('the change was made already, or what was as desired is so no more', async () => {
    await hosts.run(simple);
    writeFileSync(hosts.at('a', 'srv/name'), 'x\n');
    const saved = await save(simple);
    writeFileSync(hosts.at('a', 'srv/name'), 'a\n');
    writeFileSync(hosts.at('b', 'srv/name'), 'y\n');
    expect(await refused(simple, saved)).toEqual([
      'host-moved a Files › file /srv/name',
      'host-moved b Files › file /srv/name',
    ]);
  });

  test('the runbook asks for something else, although the change reads the same', async () => {
    const book = (run: string): Runbook =>
      runbook({
        name: 'simple',
        description: '',
        plays: [
          play('Commands', { hosts: 'all' }, () => [
            command('once', { run: '"$1" >/srv/done', args: ['echo', run], creates: '/srv/done' }),
          ]),
        ],
      });
    const saved = await save(book('one'));
    const [found] = await refused(book('two'), saved);
    expect(found).toMatch(/^(asks-otherwise|host-moved) a, b Commands › command once$/);
  });

  test('another host answers at the address', async () => {
    const saved = await save(simple);
    const otherKey = changed(saved, ({ hosts: [a] }) => {
      if (a !== undefined) a.hostKey = 'SHA256:somebodyelse';
    });
    expect(await refused(simple, otherKey)).toEqual(['other-host a']);
    const otherMachine = changed(saved, ({ hosts: [, b] }) => {
      if (b !== undefined) b.machineId = '0'.repeat(32);
    });
    expect(await refused(simple, otherMachine)).toEqual(['other-host b']);
    expect(saved.file.hosts[0]?.hostKey).toMatch(/^SHA256:/);
  });

  test('a host is gone, or one was added', async () => {
    const saved = await save(simple);
    const only = (name: string) => ({
      hosts: hosts.inventory.hosts.filter((host) => host.name === name),
    });
    await expect(apply(simple, saved, only('a'))).rejects.toMatchObject({
      diagnostics: [{ code: 'host-gone', at: { host: 'b' } }],
    });
    const { plan, observations } = await hosts.run(simple, { mode: 'plan', ...only('a') });
    const one = readPlanFile(planFileText(encodePlanFile(inputOf(plan, observations))), 'p');
    expect(await refused(simple, one)).toEqual(['host-added b']);
  });

  test('a host cannot be reached any more', async () => {
    const saved = await save(simple);
    const { endpointOf } = hosts.request(simple);
    await expect(
      apply(simple, saved, {
        endpointOf: (host) =>
          host.name === 'b' ? { ...endpointOf(host), port: 1 } : endpointOf(host),
      }),
    ).rejects.toMatchObject({ exitCode: 1, diagnostics: [{ at: { host: 'b' } }] });
    expect(existsSync(hosts.at('a', 'srv/name'))).toBe(false);
  });

  test('it was used: by this machine, and by another one', async () => {
    const saved = await save(simple);
    expect((await apply(simple, saved)).exitCode).toBe(0);
    const undo = (): void => {
      for (const host of ['a', 'b']) {
        rmSync(hosts.at(host, 'srv'), { recursive: true });
        mkdirSync(hosts.at(host, 'srv'));
      }
    };
    undo();
    // The state folder of another machine knows nothing; the hosts do.
    rmSync(join(hosts.stateFolder, 'plans'), { recursive: true });
    expect(await refused(simple, saved)).toEqual(['plan-used a, b']);
    for (const host of ['a', 'b']) rmSync(hosts.at(host, 'lib/plans'), { recursive: true });
    expect((await apply(simple, saved)).exitCode).toBe(0);
    undo();
    for (const host of ['a', 'b']) rmSync(hosts.at(host, 'lib/plans'), { recursive: true });
    await expect(apply(simple, saved)).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code: 'plan-used' }],
    });
    expect(existsSync(hosts.at('a', 'srv/name'))).toBe(false);
  });

  test('that a plan was used is forgotten when no plan of that age is applied any more', async () => {
    const folders = [join(hosts.stateFolder, 'plans'), hosts.at('a', 'lib/plans')];
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      for (const [name, days] of [
        ['old', 500],
        ['young', 300],
      ] as const) {
        writeFileSync(join(folder, name), '');
        const then = new Date(Date.now() - days * 86_400_000);
        utimesSync(join(folder, name), then, then);
      }
    }
    const saved = await save(simple);
    expect((await apply(simple, saved)).exitCode).toBe(0);
    for (const folder of folders) {
      expect(readdirSync(folder)).toContain('young');
      expect(readdirSync(folder)).not.toContain('old');
    }
  });

  test('it was cut off: what is left is another plan', async () => {
    mkdirSync(hosts.at('b', 'srv'), { recursive: true });
    const failing = runbook({
      ...simple,
      plays: [
        play('Files', { hosts: 'all' }, () => [
          command('no', { run: 'exit 9', creates: '/srv/x' }),
        ]),
      ],
    });
    const saved = await save(failing);
    expect((await apply(failing, saved)).exitCode).toBe(3);
    expect(await refused(failing, saved)).toEqual(['plan-used a, b']);
  });
});
