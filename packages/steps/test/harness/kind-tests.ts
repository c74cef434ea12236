import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ProbeOutput } from '../../src/index.ts';
import { allFixtures, allKinds, type Fixture, type KindFolders } from './fixture.ts';
import { shells, syntaxErrors } from './run-fragment.ts';

function outputOf(probed: Fixture['probed']): ProbeOutput {
  const given = typeof probed === 'string' ? { stdout: probed } : probed;
  return { code: 0, stdout: '', stderr: '', utf8: true, ...given };
}

/** Tests of all kinds of a room by their fixtures and golden scripts. */
export async function testKinds(folders: KindFolders): Promise<void> {
  const kinds = await allKinds(folders);
  const fixtures = await allFixtures(folders);
  const golden = (kind: string, name: string): string =>
    fileURLToPath(new URL(`${kind}/${name}.sh`, folders.fixtures));

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
      expect(converge.artifacts, 'artifacts of converge').toEqual(fixture.script.artifacts);
      await expect(converge.code).toMatchFileSnapshot(
        golden(name, fixture.script.golden ?? 'converge'),
      );
      for (const shell of shells) expect(await syntaxErrors(shell, converge.code)).toBe('');
    });
  });

  it('every fixture is of a kind that exists', () => {
    expect([...fixtures.keys()].filter((name) => !kinds.has(name))).toEqual([]);
  });
}
