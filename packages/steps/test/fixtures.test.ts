import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ProbeOutput } from '../src/index.ts';
import { allFixtures, allKinds, fixturesFolder, type Fixture } from './harness/fixture.ts';
import { shells, syntaxErrors } from './harness/run-fragment.ts';

const kinds = await allKinds();
const fixtures = await allFixtures();

function golden(kind: string, name: string): string {
  return fileURLToPath(new URL(`${kind}/${name}.sh`, fixturesFolder));
}

function outputOf(probed: Fixture['probed']): ProbeOutput {
  const given = typeof probed === 'string' ? { stdout: probed } : probed;
  return { code: 0, stdout: '', stderr: '', utf8: true, ...given };
}

describe.each([...kinds])('%s', (name, kind) => {
  const cases = fixtures.get(name) ?? [];

  it('has fixtures with changes', () => {
    expect(cases.filter((fixture) => fixture.changes.length > 0)).not.toEqual([]);
  });

  it.each(cases.map((fixture) => [fixture.name, fixture] as const))('%s', async (_, fixture) => {
    const desired: unknown = kind.schema.parse(fixture.desired);
    expect(kind.schema.parse(desired), 'desired, checked twice').toEqual(desired);

    const observed: unknown = kind.parse(outputOf(fixture.probed), desired);
    expect(observed, 'observed').toEqual(fixture.observed);

    const changes = kind.diff(desired, observed);
    expect(changes, 'changes').toEqual(fixture.changes);
    expect(JSON.parse(JSON.stringify(changes)), 'changes as JSON').toEqual(changes);
    expect(kind.summary(desired), 'summary').toMatch(/^\S.*$/);

    const probe = kind.probe(desired);
    await expect(probe.code).toMatchFileSnapshot(golden(name, 'probe'));
    for (const shell of shells) expect(await syntaxErrors(shell, probe.code)).toBe('');

    const refused = changes.some((change) => change.action === 'refuse');
    expect(fixture.script === undefined, 'a script where there is something to do').toBe(
      refused || changes.length === 0,
    );
    if (fixture.script === undefined) return;
    const converge = kind.converge(desired, changes);
    expect(converge.args, 'arguments of converge').toEqual(fixture.script.args);
    await expect(converge.code).toMatchFileSnapshot(
      golden(name, fixture.script.golden ?? 'converge'),
    );
    for (const shell of shells) expect(await syntaxErrors(shell, converge.code)).toBe('');
  });
});

it('every fixture is of a kind that exists', () => {
  expect([...fixtures.keys()].filter((name) => !kinds.has(name))).toEqual([]);
});
