import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectHosts } from '@skerry/inventory';
import { loadRunbook, type Runbook } from '@skerry/runbook';
import { lines, startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { bootstrap, eventLines, type Ended } from './command.ts';

/**
 * Every case has a host of its own, so that a few can run at the same time. To look for trouble, give
 * more: SKERRY_CRASH_SEEDS=1,2,3 vitest run test/crash.test.ts
 */
const seeds = (process.env['SKERRY_CRASH_SEEDS'] ?? '11,23,37,41,53,67,79').split(',').map(Number);
const names = seeds.map((seed) => `h-${seed}`);
let crash: Runbook;
let hosts: LoopbackHosts;
let folder: string;

// Each change and each handler says when it has ended, and that it was not alone.
const runbookText = `
import { play, runbook } from '@skerry/runbook';
import { command, file, handler } from '@skerry/steps';

const alone = (line) =>
  'mkdir /srv/busy || echo overlap >>/srv/log; sleep 0.06; ' + line + '; rmdir /srv/busy';
const says = (id) => handler(id, alone('echo "handler $1" >>/srv/log'), id);
const one = says('one'), two = says('two');
const change = (name, notify) => command(name, {
  run: alone('echo "change $1" >>/srv/log; : >"/srv/done-$1"'), args: [name], creates: '/srv/done-' + name, notify,
});

export default runbook({
  name: 'crash',
  description: 'Changes and handlers, to be cut off anywhere',
  plays: [
    play('First', { hosts: 'all' }, ({ host }) => [
      change('a', one), file('/srv/name', { content: host.name, notify: two }), change('b', [one, two]),
    ]),
    play('Second', { hosts: 'all' }, () => [
      change('c', two), file('/srv/same', { content: 'x'.repeat(200000), needs: change('c', two) }), change('d', one),
    ]),
  ],
});
`;
const notifies = { a: ['one'], b: ['one', 'two'], c: ['two'], d: ['one'] };

beforeAll(async () => {
  hosts = await startHosts(names);
  folder = join(hosts.sshd.folder, 'user');
  mkdirSync(folder);
  writeFileSync(join(folder, 'crash.ts'), runbookText);
  crash = await loadRunbook(join(folder, 'crash.ts'));
  for (const [index, name] of names.entries()) {
    writeFileSync(
      join(folder, `${name}.yaml`),
      [
        `cluster: { name: ${name} }`,
        'groups:',
        '  all-of-them:',
        '    connection:',
        `      { user: root, port: ${hosts.sshd.port}, key: ${hosts.sshd.clientKey}, agent: false,`,
        `        sshConfig: false, knownHosts: [${hosts.sshd.knownHosts}] }`,
        `    hosts: { ${name}: { address: 127.0.1.${index + 1} } }`,
        '',
      ].join('\n'),
    );
  }
});
afterAll(() => hosts.stop());

type Blow = (
  child: { kill(signal: NodeJS.Signals): boolean },
  name: string,
) => Promise<void> | void;

/** Starts an apply and strikes `milliseconds` after it has told so many `lines`. */
async function struck(
  name: string,
  { lines, milliseconds }: { lines: number; milliseconds: number },
  blow: Blow,
): Promise<Ended> {
  const inventory = join(folder, `${name}.yaml`);
  return bootstrap(['run', join(folder, 'crash.ts'), inventory, '--yes', '--json'], {
    running: (child) => {
      let told = 0;
      child.stdout?.on('data', (text: string) => {
        const before = told;
        told += text.split('\n').length - 1;
        if (before >= lines || told < lines) return;
        setTimeout(() => void blow(child, name), milliseconds);
      });
    },
  });
}

/** Ends the connections of one host from the other side: sshd's process for them. */
function cutCable(name: string): void {
  const address = `127.0.1.${names.indexOf(name) + 1}`;
  const sockets = execFileSync('ss', ['-Htnp', 'src', `${address}:${hosts.sshd.port}`], {
    encoding: 'utf8',
  });
  for (const [, pid] of sockets.matchAll(/pid=(\d+)/g)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
}

async function converges(name: string): Promise<void> {
  const options = { hosts: selectHosts(hosts.inventory, name) };
  for (let attempt = 0; ; attempt += 1) {
    const { exitCode, hosts: recap } = await hosts.run(crash, options);
    if (exitCode === 0) break;
    // What was running when the cable was cut holds the lock until it ends.
    expect(recap).toMatchObject([{ outcome: 'locked' }]);
    expect(attempt).toBeLessThan(40);
    await sleep(50);
  }
  const log = readFileSync(hosts.at(name, 'srv/log'), 'utf8').trimEnd().split('\n');
  expect(log).not.toContain('overlap');
  for (const [step, handlers] of Object.entries(notifies)) {
    for (const id of handlers) {
      const [change, handled] = [
        log.lastIndexOf(`change ${step}`),
        log.lastIndexOf(`handler ${id}`),
      ];
      expect(change, `${step} in ${log.join()}`).toBeGreaterThanOrEqual(0);
      expect(handled, `${id} after ${step} in ${log.join()}`).toBeGreaterThan(change);
    }
  }
  expect(readFileSync(hosts.at(name, 'srv/name'), 'utf8')).toBe(name);
  expect(readFileSync(hosts.at(name, 'srv/same'), 'utf8')).toBe('x'.repeat(200_000));
  expect(readdirSync(hosts.at(name, 'srv')).filter((entry) => entry.startsWith('.'))).toEqual([]);
  expect(readdirSync(hosts.at(name, 'lib/pending'))).toEqual([]);
  expect(existsSync(hosts.at(name, 'srv/busy'))).toBe(false);
  expect(lines((await hosts.run(crash, { ...options, mode: 'plan' })).plan)).toEqual([]);
}

/** A number from 0 to `below`, the same for the same seed (Park and Miller). */
const drawn = (seed: number, below: number): number =>
  ((((seed * 48_271) % 2_147_483_647) * 48_271) % 2_147_483_647) % below;

const cases = seeds.map((seed, index) => ({
  name: names[index] ?? '',
  blow: (['kill', 'cable', 'once', 'twice', 'kill'] as const)[index % 5] ?? 'kill',
  lines: 1 + drawn(seed, 34),
  milliseconds: drawn(seed + 1, 60),
}));

describe('cut off anywhere, the next run finishes the work', () => {
  it.concurrent.each(cases)(
    '$name: $blow $milliseconds ms after $lines lines',
    async ({ name, blow, ...when }) => {
      const blows: Record<typeof blow, Blow> = {
        kill: (child) => void child.kill('SIGKILL'),
        cable: () => cutCable(name),
        once: (child) => void child.kill('SIGINT'),
        twice: async (child) => {
          child.kill('SIGINT');
          await sleep(drawn(when.milliseconds + 1, 60));
          child.kill('SIGINT');
        },
      };
      const { code, stdout, stderr } = await struck(name, when, blows[blow]);
      const told = eventLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1));
      const end = told.findLast((line) => line.type === 'run-finished');
      // A blow that came when all was done hits nothing.
      const allowed = { kill: [null], cable: [3, 4], once: [1], twice: [1, 4] }[blow];
      const codes: (number | null)[] = end?.verified === true ? [...allowed, 0] : [...allowed];
      // All is told and Node itself is going away: it takes no signal any more, so the blow ends it.
      const signalled = blow === 'once' || blow === 'twice';
      if (signalled && end !== undefined) codes.push(null);
      expect(codes, stderr + stdout).toContain(code);
      await converges(name);
    },
  );
}, 60_000);
