import { command, file, handler } from '@skerry/steps';
import { stepId, type Step } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import type { ExpandedPlay, ExpandedStep } from '../src/expand.ts';
import type { PendingHandler } from '../src/pending-handlers.ts';
import { planHost } from '../src/host-plan.ts';
import { readFirst, type StepReading } from '../src/read-step.ts';

function expandedStep(step: Step, needs: readonly string[] = []): ExpandedStep {
  return {
    id: stepId(step),
    kind: step.kind,
    desired: step.kind.schema.parse(step.desired),
    notify: step.options.notify === undefined ? [] : [step.options.notify].flat(),
    needs,
  };
}

const playOf = (...steps: ExpandedStep[]): ExpandedPlay => ({
  play: 'P',
  become: true,
  steps,
  skipped: [],
});

const made = expandedStep(command('make', { run: ':', creates: '/made' }));
const written = expandedStep(file('/made/x', { content: 'x' }), ['command make']);
const change: StepReading = { changes: [{ subject: 's', action: 'run' }] };
const none: StepReading = { changes: [] };
const blind: StepReading = { unreadable: 'permission denied' };

describe('a probe', () => {
  test.each([
    ['that failed', { code: 1, stdout: '', stderr: 'no such device\n' }, 'no such device'],
    ['that failed in silence', { code: 3, stdout: '', stderr: '' }, /status 3/],
    ['that answered nothing', { code: 0, stdout: '', stderr: '' }, /./],
    ['that answered what cannot be', { code: 0, stdout: 'x\ny\n', stderr: '' }, /./],
  ])('%s is unreadable, never "no change"', (_, output, reason) => {
    expect(readFirst(written, { ...output, utf8: true })).toEqual({
      unreadable:
        typeof reason === 'string' ? reason : (expect.stringMatching(reason) as unknown as string),
    });
  });

  test('that is unreadable fails the host with the step, unless an earlier change explains it', () => {
    const plays = [playOf(made, written)];
    expect(() => planHost('a', plays, [none, blind], [])).toThrow(
      expect.objectContaining({
        diagnostics: [
          expect.objectContaining({
            code: 'probe-failed',
            at: { host: 'a', step: 'P › file /made/x' },
            why: 'permission denied',
          }),
        ],
      }),
    );
    const plan = planHost('a', plays, [change, blind], []);
    expect(plan.plays[0]?.steps[1]).toMatchObject({
      confidence: { level: 'conditional', on: ['command make'] },
      changes: [{ action: 'run', why: 'cannot be read yet: permission denied' }],
    });
  });
});

describe('a plan', () => {
  test('holds what changes, counts what does not, and is conditional on what it needs', () => {
    const plays = [playOf(made, written)];
    expect(planHost('a', plays, [none, none], []).plays[0]).toMatchObject({
      steps: [],
      converged: 2,
    });
    // Converged now, but what it needs is going to change.
    expect(planHost('a', plays, [change, none], []).plays[0]).toMatchObject({
      steps: [
        { id: 'command make', confidence: { level: 'opaque' } },
        { id: 'file /made/x', confidence: { level: 'conditional' }, changes: [] },
      ],
      converged: 0,
    });
  });

  test('runs a handler once, because of all that notify it, and what an earlier run left', () => {
    const again = handler('again', ':');
    const notifying = ['/one', '/two'].map((path) =>
      expandedStep(file(path, { content: '', notify: again })),
    );
    const plays = [playOf(...notifying)];
    const handlers = (
      readings: readonly StepReading[],
      pending: readonly PendingHandler[],
    ): unknown => planHost('a', plays, readings, pending).plays[0]?.handlers;
    expect(handlers([change, change], [])).toMatchObject([
      { id: 'again', because: ['file /one', 'file /two'], leftover: false },
    ]);
    expect(handlers([none, none], [{ id: 'again' }, { id: 'of-others' }])).toMatchObject([
      { id: 'again', because: [], leftover: true },
    ]);
    expect(handlers([none, none], [])).toEqual([]);
  });
});
