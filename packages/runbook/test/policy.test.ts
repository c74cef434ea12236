import { assert, integer, pre, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan, StepPlan } from '../src/plan.ts';
import { judgePlan } from '../src/policy/judge.ts';
import { policySchema, type Policy } from '../src/policy/schema.ts';
import { isWithin, parseWindow } from '../src/policy/window.ts';

function step(id: string, more: Partial<StepPlan> = {}): StepPlan {
  return {
    id,
    summary: '',
    changes: [{ subject: id, action: 'update' }],
    confidence: { level: 'exact' },
    converge: { code: '', args: [] },
    notify: [],
    ...more,
  };
}

function planOf(hosts: Readonly<Record<string, readonly StepPlan[]>>): Plan {
  return {
    schema: 1,
    order: ['P'],
    runbook: 'r',
    cluster: 'c',
    hosts: Object.entries(hosts).map(([host, steps]) => ({
      host,
      plays: [{ play: 'P', steps, handlers: [], converged: 0, skipped: [] }],
    })),
  };
}

const groups = new Map([
  ['all', ['a', 'b', 'c', 'd']],
  ['workers', ['b', 'c', 'd']],
]);
const deny = (rules: Policy['deny']): Policy => policySchema.parse({ deny: rules });

test('an opaque change is named with its reason and its hosts', () => {
  const unsure = step('command x', { confidence: { level: 'opaque', why: 'it is a command' } });
  const plan = planOf({ a: [step('sysctl k'), unsure], b: [unsure] });
  expect(judgePlan(plan, deny({ opaque: true }), { groups })).toEqual({
    verdict: 'denied',
    rules: ['deny.opaque'],
    findings: [
      {
        rule: 'opaque',
        path: 'deny.opaque',
        what: 'P › command x is opaque: it is a command',
        hosts: ['a', 'b'],
        steps: ['P › command x'],
        denies: true,
      },
    ],
  });
});

test('a refused step changes nothing, and is denied by no rule', () => {
  const guarded = step('filesystem X', { changes: [{ subject: 'X', action: 'refuse' }] });
  const plan = planOf({ a: [guarded] });
  const rules = deny({ format: true, hosts: [{ group: 'all', moreThan: 0 }] });
  expect(judgePlan(plan, rules, { groups }).verdict).toBe('allowed');
  const made = planOf({ a: [step('filesystem X')] });
  expect(judgePlan(made, rules, { groups }).findings.map(({ rule }) => rule)).toEqual([
    'format',
    'hosts',
  ]);
});

test.each([
  [1, ['a', 'b'], 'allowed'],
  [1, ['b', 'c'], 'denied'],
  ['50%', ['b'], 'allowed'],
  ['50%', ['b', 'c'], 'denied'],
  ['100%', ['a', 'b', 'c', 'd'], 'allowed'],
] as const)('at most %s of workers, with %s changed: %s', (moreThan, changed, verdict) => {
  const plan = planOf(Object.fromEntries(changed.map((host) => [host, [step('sysctl k')]])));
  const policy = deny({ hosts: [{ group: 'workers', moreThan }] });
  expect(judgePlan(plan, policy, { groups }).verdict).toBe(verdict);
});

test('these steps, and only those; what looks like a pattern of another kind is text', () => {
  const plan = planOf({ a: [step('package a+b'), step('sysctl k'), step('file /etc/x')] });
  const found = (rules: Policy['deny']) =>
    judgePlan(plan, deny(rules), { groups }).findings.flatMap(({ steps }) => steps);
  expect(found({ steps: ['package a+b', 'file *', 'sysctl'] })).toEqual([
    'P › package a+b',
    'P › file /etc/x',
  ]);
  expect(found({ steps: ['package a.b'] })).toEqual([]);
  expect(found({ otherSteps: ['sysctl *', 'file /etc/*'] })).toEqual(['P › package a+b']);
});

describe('reboots', () => {
  const plan = planOf({ a: [step('reboot')] });
  const window = deny({ reboot: { outside: 'Sat-Sun 22:00-04:00 Europe/Oslo' } });

  test('none at all', () => {
    expect(judgePlan(plan, deny({ reboot: true }), { groups }).verdict).toBe('denied');
  });

  test('a review tells the window, and denies nothing', () => {
    const { verdict, findings } = judgePlan(plan, window, { groups });
    expect(verdict).toBe('allowed');
    expect(findings).toMatchObject([
      { what: 'P › reboot: may be applied only Sat-Sun 22:00-04:00 Europe/Oslo', denies: false },
    ]);
  });

  test.each([
    // Oslo is one hour ahead of UTC in November, and two in July.
    ['2026-11-21T20:59:00Z', 'denied'],
    ['2026-11-21T21:00:00Z', 'allowed'],
    ['2026-11-23T02:59:00Z', 'allowed'],
    ['2026-11-23T03:00:00Z', 'denied'],
    ['2026-11-20T22:30:00Z', 'denied'],
    ['2026-07-18T20:00:00Z', 'allowed'],
  ])('when it is applied at %s: %s', (at, verdict) => {
    expect(judgePlan(plan, window, { groups, applyAt: new Date(at) }).verdict).toBe(verdict);
  });
});

test.each(['', 'Sat', 'Sat 22:00', 'Sat 24:00-04:00', 'Sax 22:00-04:00', 'Sat 1:00-2:00'])(
  '"%s" is no window',
  (text) => {
    expect(parseWindow(text)).toBeUndefined();
  },
);

test('every minute of a week is in a window or in what it leaves out, whatever the window', () => {
  const minute = integer({ min: 0, max: 1439 });
  const day = integer({ min: 0, max: 6 });
  const holds = property(day, minute, minute, minute, day, (start, from, to, at, on) => {
    pre(from !== to);
    const window = { days: new Set([start]), from, to, zone: 'UTC' };
    const rest = { days: new Set([start]), from: to, to: from, zone: 'UTC' };
    // 2026-11-23 is a Monday.
    const moment = new Date(Date.UTC(2026, 10, 23 + on, 0, at));
    const length = (to - from + 1440) % 1440;
    const since = ((on - start + 7) % 7) * 1440 + at - from;
    expect(isWithin(window, moment)).toBe((since + 10_080) % 10_080 < length);
    if (on === start) expect(isWithin(window, moment) && isWithin(rest, moment)).toBe(false);
  });
  assert(holds, { numRuns: 200 });
});
