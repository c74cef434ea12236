import { expect, it } from 'vitest';
import { Breakdown } from '../src/breakdown.ts';
import type { RunEvent } from '../src/index.ts';

/** A run told by its steps; times in seconds. */
function told(): {
  at: (second: number, ...events: RunEvent[]) => void;
  rows: () => Record<string, number> | undefined;
} {
  let now = 0;
  const breakdown = new Breakdown(() => now * 1000);
  const emit = breakdown.listen(() => undefined);
  return {
    at: (second, ...events) => {
      now = second;
      for (const event of events) emit(event);
    },
    rows: () => {
      const rows = breakdown.rows();
      if (rows === undefined) return undefined;
      return Object.fromEntries(
        rows
          .filter(({ milliseconds }) => milliseconds > 0)
          .map(({ what, milliseconds }) => [what, milliseconds / 1000]),
      );
    },
  };
}

const about = (host: string, step: string) => ({ host, play: 'p', step, handler: false });
const begins = (host: string, step: string): RunEvent => ({
  type: 'step-started',
  ...about(host, step),
});
const ends = (host: string, step: string): RunEvent => ({
  type: 'step-finished',
  ...about(host, step),
  result: 'changed',
  milliseconds: 0,
  changes: [],
});
const says = (host: string, step: string, text: string): RunEvent => ({
  type: 'step-output',
  host,
  step,
  stream: 'stdout',
  text,
});
const sends = (host: string, step: string, sent: number): RunEvent => ({
  type: 'sending',
  host,
  step,
  path: 'x',
  file: 1,
  files: 1,
  sent,
  total: 100,
});

it('each moment counts once, however many hosts are busy', () => {
  const run = told();
  run.at(10, begins('a', 'sysctl x'), begins('b', 'sysctl x'));
  run.at(
    12,
    ends('b', 'sysctl x'),
    begins('b', 'images'),
    says('b', 'images', 'importing images\n'),
  );
  run.at(15, ends('a', 'sysctl x'), begins('a', 'membership'));
  run.at(35, ends('b', 'images'));
  run.at(45, ends('a', 'membership'), begins('a', 'objects'));
  run.at(47, says('a', 'objects', 'x serverside-applied\nwaiting until x is up, 9 s at most\n'));
  run.at(64, says('a', 'objects', 'no longer waiting: x is up\n'));
  run.at(65, ends('a', 'objects'));
  run.at(70);
  expect(run.rows()).toEqual({
    'other steps on hosts': 2,
    'image import': 3,
    kubeadm: 30,
    'waiting for pods': 17,
    'applying objects': 3,
    'Skerry itself': 15,
  });
});

it('a step that ends while it waits waits no more', () => {
  const run = told();
  run.at(0, begins('a', 'membership'), ends('a', 'membership'), begins('a', 'objects'));
  run.at(2, says('a', 'objects', 'waiting until x is up, 9 s at most\n'));
  run.at(9, { ...ends('a', 'objects'), result: 'failed' } as RunEvent);
  run.at(10, says('a', 'objects', 'waiting until x is up, 9 s at most\n'));
  run.at(12);
  expect(run.rows()).toEqual({
    'applying objects': 2,
    'waiting for pods': 7,
    'Skerry itself': 3,
  });
});

it('sending files is no import, and the rest of the step is', () => {
  const run = told();
  run.at(0, begins('a', 'membership'), ends('a', 'membership'), begins('a', 'images'));
  run.at(1, sends('a', 'images', 0));
  run.at(3, sends('a', 'images', 50));
  run.at(6, sends('a', 'images', 100));
  run.at(7, says('a', 'images', 'importing images\n'));
  run.at(10, ends('a', 'images'));
  expect(run.rows()).toEqual({ 'image import': 3, uploads: 7 });
});

it('images that wait while programs are sent to their host are no import either', () => {
  const run = told();
  run.at(0, begins('a', 'membership'), ends('a', 'membership'));
  run.at(0, begins('a', 'artifact kubernetes'), begins('a', 'images'));
  run.at(1, sends('a', 'artifact kubernetes', 0));
  run.at(5, sends('a', 'artifact kubernetes', 100));
  run.at(5, ends('a', 'artifact kubernetes'), sends('a', 'images', 0));
  run.at(8, sends('a', 'images', 100), says('a', 'images', 'importing images\n'));
  run.at(9, ends('a', 'images'));
  expect(run.rows()).toEqual({ uploads: 8, 'image import': 1 });
});

it('a step that fails in the middle of sending is over', () => {
  const run = told();
  run.at(
    0,
    begins('a', 'membership'),
    ends('a', 'membership'),
    begins('a', 'images'),
    sends('a', 'images', 0),
  );
  run.at(4, { ...ends('a', 'images'), result: 'failed' } as RunEvent);
  run.at(9);
  expect(run.rows()).toEqual({ uploads: 4, 'Skerry itself': 5 });
});

it('the verification waits for pods, then looks', () => {
  const run = told();
  run.at(0, begins('a', 'membership'));
  run.at(1, ends('a', 'membership'), {
    type: 'verification-started',
    cluster: 'c',
    hosts: ['a'],
    checks: [],
  });
  run.at(2, { type: 'waiting', host: 'a', step: 'verification', awaited: 'pods', deadline: 9 });
  const said = (text: string): RunEvent => ({
    type: 'step-output',
    host: 'a',
    step: 'verification',
    stream: 'stdout',
    text,
  });
  run.at(4, said('waiting until the probe pods are ready\n'));
  run.at(9, said('no longer waiting: the probe pods\n'));
  // Between them hosts are looked at once more, which is no waiting.
  run.at(12, { type: 'verification-round', round: 1, checks: [] });
  run.at(14, { type: 'verification-finished', passed: 1, failed: 0, skipped: 0, milliseconds: 0 });
  expect(run.rows()).toEqual({ kubeadm: 1, 'waiting for pods': 5, verification: 8 });
});

it('nobody asks where no host became a member', () => {
  const run = told();
  run.at(0, begins('a', 'membership'));
  run.at(1, { ...ends('a', 'membership'), result: 'already' } as RunEvent);
  expect(run.rows()).toBeUndefined();
});
