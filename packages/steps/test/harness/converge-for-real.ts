import { expect } from 'vitest';
import type { Change, StepKind } from '../../src/index.ts';
import { runFragment, type RunFragmentOptions, type ShellName } from './run-fragment.ts';

/** Reads the state with the kind's own probe; fails where the probe does. */
export async function observe<D, O>(
  kind: StepKind<D, O>,
  desired: unknown,
  shell: ShellName,
  options: RunFragmentOptions = {},
): Promise<O> {
  const parsed = kind.schema.parse(desired);
  const output = await runFragment(shell, kind.probe(parsed), options);
  expect(output, 'probe').toMatchObject({ code: 0, stderr: '' });
  return kind.parse(output, parsed);
}

/** What a plan would show now. */
export async function planForReal<D, O>(
  kind: StepKind<D, O>,
  desired: unknown,
  shell: ShellName,
  options: RunFragmentOptions = {},
): Promise<readonly Change[]> {
  const observed = await observe(kind, desired, shell, options);
  return kind.diff(kind.schema.parse(desired), observed);
}

/**
 * Probe, parse, diff, converge, probe again: nothing may be left. Then converge once more, which
 * must be safe. Gives the changes that the first diff showed.
 */
export async function convergeForReal<D, O>(
  kind: StepKind<D, O>,
  desired: unknown,
  shell: ShellName,
  options: RunFragmentOptions = {},
): Promise<readonly Change[]> {
  const changes = await planForReal(kind, desired, shell, options);
  const fragment = kind.converge(kind.schema.parse(desired), changes);
  const converge = async (what: string): Promise<void> => {
    const { code, stderr } = await runFragment(shell, fragment, options);
    expect({ code, stderr: code === 0 ? '' : stderr }, what).toEqual({ code: 0, stderr: '' });
  };
  if (changes.length > 0) {
    await converge('converge');
    expect(await planForReal(kind, desired, shell, options), 'after converge').toEqual([]);
  }
  await converge('converge again');
  expect(await planForReal(kind, desired, shell, options), 'after the second').toEqual([]);
  return changes;
}
