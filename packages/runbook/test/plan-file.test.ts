import { SecretBook } from '@skerry/executor';
import { readFileSync } from 'node:fs';
import { DiagnosticError } from '@skerry/diagnostics';
import { sh, textDiff } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import {
  comparePlan,
  encodePlanFile,
  planFileSchemaText,
  planFileText,
  readPlanFile,
  type Plan,
} from '../src/index.ts';
import type { HostObservation } from '../src/observation.ts';
import { digestOf } from '../src/plan-file/digest.ts';
import type { PlanFile } from '../src/plan-file/schema.ts';
import { inputOf, testKey } from './plan-file-input.ts';

function fleet(hosts: number, steps: number): { plan: Plan; observations: HostObservation[] } {
  const names = Array.from({ length: hosts }, (_, index) => `node-${index + 1}`);
  const each = Array.from({ length: steps }, (_, index) => {
    const after = Array.from({ length: 60 }, (_line, line) => `key${line} = ${index}\n`).join('');
    return {
      id: `file /etc/app/${index}.conf`,
      summary: 'text, 60 lines, root:root 0644',
      changes: [
        {
          subject: `/etc/app/${index}.conf (content)`,
          action: 'update' as const,
          diff: textDiff('key0 = old\n', after),
        },
      ],
      confidence: { level: 'exact' as const },
      converge: sh(
        'printf %s "$2" >"$1"\n'.repeat(20),
        `/etc/app/${index}.conf`,
        after,
        { sha256Of: after },
        { readOn: ['h-1', 'h-0'], fragment: sh('make "$@"', 'key', { sha256Of: after }) },
      ),
      notify: ['restart app'],
    };
  });
  return {
    plan: {
      schema: 1,
      runbook: 'mine',
      cluster: 'oslo',
      order: ['Files'],
      hosts: names.map((host) => ({
        host,
        plays: [
          {
            play: 'Files',
            // Values of their own, as if each host had been read by itself.
            steps: each.map((step) => ({ ...step, changes: [...step.changes] })),
            handlers: [
              {
                id: 'restart app',
                fragment: sh('systemctl restart app'),
                because: each.map(({ id }) => id),
                leftover: false,
              },
            ],
            converged: 3,
            skipped: ['swap'],
          },
        ],
      })),
    },
    observations: names.map((host, index) => ({
      host,
      hostKey: `SHA256:${Buffer.from(host.padEnd(32, 'x')).toString('base64').slice(0, 43)}`,
      machineId: index.toString(16).padStart(32, '0'),
      steps: each.map(({ id }) => ({ step: `Files › ${id}`, observed: { text: 'key0 = old\n' } })),
    })),
  };
}

const { plan, observations } = fleet(3, 2);
const file = encodePlanFile(inputOf(plan, observations));
const text = planFileText(file);

const codes = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
  return [];
};
const resealed = (change: (copy: PlanFile) => void): string => {
  const copy = structuredClone(file);
  change(copy);
  return planFileText({ ...copy, digest: digestOf(copy) });
};

describe('a plan file', () => {
  test('gives back the plan that it was made of, and the same bytes each time', () => {
    expect(readPlanFile(text, 'plan.json').plan).toEqual(plan);
    expect(planFileText(encodePlanFile(inputOf(plan, observations)))).toBe(text);
    // What is written again after it was read is the same, too.
    expect(planFileText(readPlanFile(text, 'plan.json').file)).toBe(text);
  });

  test('1,000 hosts with the same 30 changes take at most 2 MB', () => {
    const large = fleet(1000, 30);
    const written = planFileText(encodePlanFile(inputOf(large.plan, large.observations)));
    expect(Buffer.byteLength(written)).toBeLessThanOrEqual(2_000_000);
    const back = readPlanFile(written, 'plan.json').plan;
    expect(back.hosts).toHaveLength(1000);
    expect(back.hosts.at(-1)).toEqual(large.plan.hosts.at(-1));
  });

  test('a diff of 10 MB, bytes that were no UTF-8, and CRLF come back as they were', () => {
    const odd = structuredClone(plan) as unknown as {
      hosts: { plays: { steps: { changes: object[] }[] }[] }[];
    };
    odd.hosts[0]?.plays[0]?.steps[0]?.changes.push(
      { subject: 'large', action: 'update', diff: `+${'x'.repeat(98)}\r\n`.repeat(100_000) },
      { subject: 'odd \ufffd \u2028 \ud800', action: 'update', before: 'a\r', after: 'b\0' },
    );
    const made = encodePlanFile(inputOf(odd as unknown as Plan, observations));
    expect(readPlanFile(planFileText(made), 'plan.json').plan).toEqual(odd);
  });
});

test('the published schema is the current one (npm run schemas)', () => {
  const published = new URL('../../../docs/plan.schema.json', import.meta.url);
  expect(readFileSync(published, 'utf8')).toBe(planFileSchemaText());
});

describe('is refused', () => {
  test('truncated, wherever it is cut', () => {
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      const cut = text.slice(0, Math.floor(text.length * share));
      expect(codes(() => readPlanFile(cut, 'plan.json'))).toEqual(['plan-truncated']);
    }
    expect(codes(() => readPlanFile('', 'plan.json'))).toEqual(['plan-not-json']);
    expect(codes(() => readPlanFile('cluster: x\n', 'plan.json'))).toEqual(['plan-not-json']);
  });

  test('foreign: a plan of something else', () => {
    for (const foreign of ['{"format_version":"1.2","planned_values":{}}', '[]', 'null', '1']) {
      expect(codes(() => readPlanFile(foreign, 'plan.json'))).toEqual(['plan-foreign']);
    }
  });

  test('of another schema version', () => {
    const other = text.replace('"schema": 1', '"schema": 2');
    expect(codes(() => readPlanFile(other, 'plan.json'))).toEqual(['plan-schema']);
  });

  test('changed by hand, each of its parts', () => {
    for (const [before, after] of [
      ['key0 = old', 'key0 = evil'],
      ['node-2', 'node-9'],
      ['2026-01-02', '2027-01-02'],
      ['systemctl restart app', 'systemctl stop app'],
      ['"converged":3', '"converged":4'],
    ] as const) {
      expect(text).toContain(before);
      const changed = text.replace(before, after);
      expect(codes(() => readPlanFile(changed, 'plan.json'))).toEqual(['plan-tampered']);
    }
  });

  test('with a digest that fits, and a form that does not', () => {
    for (const change of [
      (copy: PlanFile) => (copy.inventory.path = '../../etc/passwd'),
      (copy: PlanFile) => (copy.inventory.path = '/etc/passwd'),
      (copy: PlanFile) => (copy.runbook.path = 'a/../../b.ts'),
      (copy: PlanFile) => (copy.runbook.path = 'a\\..\\b.ts'),
      (copy: PlanFile) => copy.plays.push({ nonsense: true } as never),
      (copy: PlanFile) => copy.hosts[0]?.plays.push(99),
      (copy: PlanFile) => copy.steps[0]?.converge.args.push({ text: 10_000 }),
      (copy: PlanFile) => Object.assign(copy, { more: 1 }),
    ]) {
      expect(codes(() => readPlanFile(resealed(change), 'plan.json'))).toEqual(['plan-malformed']);
    }
    expect(
      readPlanFile(
        resealed(() => {}),
        'plan.json',
      ).plan,
    ).toEqual(plan);
  });
});

describe('secrets', () => {
  const token = '⟦secret:env:PASSWORD⟧';
  const value = `pa"ss\\wo'rd`;
  const secrets = new SecretBook();
  secrets.add(token, value);
  secrets.add('⟦secret:env:OTHER⟧', 'not-used-here');

  const holding = (converge: ReturnType<typeof sh>, id = 'file /x'): Plan => ({
    ...plan,
    hosts: [
      {
        host: 'node-1',
        plays: [
          {
            play: 'Files',
            steps: [
              {
                id,
                summary: `url https://me:${value}@host`,
                changes: [{ subject: 'x', action: 'update', diff: `-a\n+url=${value}!` }],
                confidence: { level: 'opaque', why: `because of ${value}` },
                converge,
                notify: [],
              },
            ],
            handlers: [],
            converged: 0,
            skipped: [],
          },
        ],
      },
    ],
  });
  const seen = [
    {
      host: 'node-1',
      hostKey: undefined,
      machineId: '1',
      steps: [{ step: 'Files › file /x', observed: { text: value } }],
    },
  ];
  const saved = (made: Plan): string =>
    planFileText(
      encodePlanFile(
        inputOf(made, seen, { secrets, tokens: [token, '⟦secret:env:OTHER⟧', token] }),
      ),
    );

  test('stand as tokens with a keyed digest, also inside other values, and never in clear', () => {
    const written = saved(
      holding(sh('printf %s "$1"', `user=${value}`, token, { sha256Of: `x${value}` })),
    );
    expect(written).not.toContain(value);
    expect(written).not.toContain(JSON.stringify(value).slice(1, -1));
    const { file: read, plan: back } = readPlanFile(written, 'plan.json');
    expect(read.secrets).toEqual([{ token, digest: testKey.digest('secret', value) }]);
    expect(back.hosts[0]?.plays[0]?.steps[0]?.converge.args).toEqual([
      `user=${token}`,
      token,
      { sha256Of: `x${token}` },
    ]);
  });

  test('a name that holds one keeps the plan from being saved', () => {
    const made = holding(sh('true'), `file /srv/${value}`);
    expect(codes(() => saved(made))).toEqual(['plan-tells-secret']);
  });
});

test('what was read and is another now matters where it would be written over, and else is told', () => {
  const secrets = new SecretBook();
  const seeing = (converged: number, changing: string): HostObservation[] =>
    observations.map((one) => ({
      ...one,
      steps: [
        { step: 'Files › file /etc/app/0.conf', observed: { text: changing } },
        { step: 'Files › gate clock', observed: { offset: converged } },
      ],
    }));
  const before = readPlanFile(
    planFileText(encodePlanFile(inputOf(plan, seeing(1, 'a')))),
    'plan.json',
  );
  const compare = (converged: number, changing: string) =>
    comparePlan(before, {
      plan,
      observations: seeing(converged, changing),
      secrets,
      key: testKey,
    }).map(({ host, step, matters }) => [host, step, matters]);
  const names = ['node-1', 'node-2', 'node-3'];
  expect(compare(1, 'a')).toEqual([]);
  expect(compare(2, 'a')).toEqual(names.map((host) => [host, 'Files › gate clock', false]));
  expect(compare(1, 'b')).toEqual(
    names.map((host) => [host, 'Files › file /etc/app/0.conf', true]),
  );
});
