/**
 * What a cluster takes on real processors, and which part of it is Skerry's own: one control plane and one worker,
 * from a bare Debian to "verified", and a second apply that has nothing to do. Nodes are containers, which run
 * as fast as this computer; both share its processors.
 *
 *     npm run bring-up --workspace bench [-- ROUNDS]
 *
 * Each round is a new cluster. Exits with 1 when the median of the shares is over the limit.
 */
import { containerInventory } from '../test/containers/container-cluster.ts';
import { noContainers, startContainerNodes } from '../test/containers/container-nodes.ts';
import { bootstrap, events, lookAt, type Ended } from '../test/machines.ts';
import { median } from './pairs.ts';

/** Of the whole, in per cent: what is neither kubeadm, nor image import, nor waiting for pods. */
const limit = 10;
const foreign: ReadonlySet<string> = new Set(['kubeadm', 'image import', 'waiting for pods']);

interface Finished {
  readonly exitCode: number;
  readonly milliseconds: number;
  readonly breakdown?: readonly { readonly what: string; readonly milliseconds: number }[];
  readonly hosts: readonly { readonly changed: number; readonly execs: number }[];
}

function finished(ended: Ended): Finished {
  const last = events(ended).find(({ type }) => type === 'run-finished') as Finished | undefined;
  if (ended.code === 0 && last !== undefined) return last;
  throw new Error(`apply ended with ${ended.code}\n${(ended.stdout + ended.stderr).slice(-4000)}`);
}

interface Round {
  readonly whole: number;
  readonly rows: ReadonlyMap<string, number>;
  readonly own: number;
  readonly again: number;
}

async function round(): Promise<Round> {
  const nodes = await startContainerNodes(['node-1', 'node-2']);
  try {
    lookAt(nodes);
    const inventory = await containerInventory('bring-up', nodes, ['node-1']);
    const apply = async (): Promise<Finished> =>
      finished(await bootstrap('apply', inventory, '--yes', '--json'));
    const first = await apply();
    const second = await apply();
    const busy = second.hosts.filter(({ changed, execs }) => changed !== 0 || execs !== 1);
    if (busy.length > 0) throw new Error(`the second apply: ${JSON.stringify(second)}`);
    const rows = new Map(first.breakdown?.map(({ what, milliseconds }) => [what, milliseconds]));
    const whole = [...rows.values()].reduce((sum, one) => sum + one, 0);
    const own = [...rows].reduce((sum, [what, one]) => sum + (foreign.has(what) ? 0 : one), 0);
    return { whole, rows, own: (100 * own) / whole, again: second.milliseconds };
  } finally {
    await nodes.stop();
  }
}

const reason = noContainers();
if (reason !== undefined) throw new Error(`no containers can be nodes here: ${reason}`);
const count = Number(process.argv[2] ?? 3);
const rounds: Round[] = [];
for (let left = count; left > 0; left -= 1) rounds.push(await round());

const seconds = (milliseconds = 0): string => (milliseconds / 1000).toFixed(1);
const names = new Set(rounds.flatMap(({ rows }) => [...rows.keys()]));
const line = (what: string, of: (one: Round) => string): void =>
  console.log(`| ${what} | ${rounds.map(of).join(' | ')} |`);
line('seconds', (one) => String(rounds.indexOf(one) + 1));
line('---', () => '---');
line('the whole apply', ({ whole }) => seconds(whole));
for (const name of names) line(name, ({ rows }) => seconds(rows.get(name)));
line('all but the first three', ({ own }) => `${own.toFixed(1)} %`);
line('a second apply', ({ again }) => seconds(again));
const share = median(rounds.map(({ own }) => own));
console.log(`\nmedian of the shares: ${share.toFixed(1)} %, limit ${limit} %`);
process.exitCode = share <= limit ? 0 : 1;
