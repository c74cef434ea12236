import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HostLink } from '../src/host-link.ts';

const unused = {
  connect: () => {
    throw new Error('nothing is to be connected here');
  },
} as never;

test('what only one lane may do at a time is done in turn, also after a failure', async () => {
  const link = new HostLink('a', unused, {} as never);
  const told: string[] = [];
  const work = (name: string, milliseconds: number) => async (): Promise<string> => {
    told.push(`${name} begins`);
    await sleep(milliseconds);
    told.push(`${name} ends`);
    if (name === 'second') throw new Error('broken');
    return name;
  };
  const all = await Promise.allSettled([
    link.inTurn(work('first', 30)),
    link.lane().inTurn(work('second', 10)),
    link.lane().lane().inTurn(work('third', 0)),
  ]);
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(told).toEqual(
    ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});
