import { describe, expect, it } from 'vitest';
import { DiagnosticError, didYouMean, ExitCode, nearest, type Diagnostic } from '../src/index.ts';

describe('nearest', () => {
  it.each([
    ['adress', ['address', 'roles'], 'address'],
    ['Workers', ['workers'], 'workers'],
    ['control-plan', ['control-plane', 'workers'], 'control-plane'],
    ['node-3', ['node-03', 'node-30'], 'node-03'],
    ['zzz', ['workers'], undefined],
    ['x', ['y'], undefined],
    ['x', ['X'], 'X'],
    ['', ['a'], undefined],
    ['vm', ['kvm'], 'kvm'],
    ['something-quite-else', ['something-rather-other'], undefined],
    ['x', [], undefined],
  ])('%j among %j is %j', (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected);
  });

  it('makes a question of it', () => {
    expect(didYouMean('adress', ['address'])).toBe('did you mean "address"?');
    expect(didYouMean('zzz', ['address'])).toBeUndefined();
  });
});

describe('DiagnosticError', () => {
  const one: Diagnostic = { code: 'a', severity: 'error', what: 'first' };
  it('carries one or many, and an exit code', () => {
    expect(new DiagnosticError(one).diagnostics).toEqual([one]);
    const error = new DiagnosticError([one, { ...one, what: 'second' }], ExitCode.locked);
    expect(error).toMatchObject({ message: 'first\nsecond', exitCode: 6, name: 'DiagnosticError' });
    expect(new DiagnosticError(one).exitCode).toBe(ExitCode.error);
  });
});
