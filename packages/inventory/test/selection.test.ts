import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectHosts } from '../src/index.ts';
import { diagnosticsFrom, parse } from './faults.ts';

const inventory = parse(`cluster: {name: x}
groups:
  control: {roles: [control-plane], hosts: {'cp-[1:3]': {address: '10.0.0.[1:3]'}}}
  workers:
    roles: [worker]
    children:
      rack-a: {hosts: {'node-[01:04]': {address: '10.0.1.[1:4]'}}}
      rack-b: {hosts: {'node-[05:08]': {address: '10.0.1.[5:8]'}}}
  edge: {roles: [ingress], hosts: [cp-1, 'node-[04:05]']}
`);
const names = (pattern: string, options = {}): string =>
  selectHosts(inventory, pattern, options)
    .map(({ name }) => name)
    .join(' ');

describe('selection', () => {
  it.each([
    ['node-03', 'node-03'],
    ['control', 'cp-1 cp-2 cp-3'],
    ['rack-a:control', 'cp-1 cp-2 cp-3 node-01 node-02 node-03 node-04'],
    ['rack-a,control', 'cp-1 cp-2 cp-3 node-01 node-02 node-03 node-04'],
    ['workers:!node-03:!rack-b', 'node-01 node-02 node-04'],
    ['!node-03:!rack-b:workers', 'node-01 node-02 node-04'],
    ['workers:&edge', 'node-04 node-05'],
    ['&edge:workers', 'node-04 node-05'],
    ['!workers', 'cp-1 cp-2 cp-3'],
    ['&edge', 'cp-1 node-04 node-05'],
    ['all:!all:control', undefined],
    ['node-[02:04]', 'node-02 node-03 node-04'],
    ['node-[02:04]:!node-03', 'node-02 node-04'],
    ['node-[02:08:3],cp-1', 'cp-1 node-02 node-05 node-08'],
    ['node-0[13]', 'node-01 node-03'],
    ['*-2', 'cp-2'],
    ['rack-*', 'node-01 node-02 node-03 node-04 node-05 node-06 node-07 node-08'],
    ['cp-?', 'cp-1 cp-2 cp-3'],
    ['{cp-1,node-01}', 'cp-1 node-01'],
    ['role=ingress', 'cp-1 node-04 node-05'],
    ['role=worker:!role=ingress', 'node-01 node-02 node-03 node-06 node-07 node-08'],
    ['role=*-plane', 'cp-1 cp-2 cp-3'],
    [' cp-1 , ! cp-2 : & control ', 'cp-1'],
    ['*:!*-0*', 'cp-1 cp-2 cp-3'],
    ['workers:!nothing-*', 'node-01 node-02 node-03 node-04 node-05 node-06 node-07 node-08'],
  ])('%s', (pattern, expected) => {
    if (expected === undefined) expect(() => names(pattern)).toThrow(/selects no host|there is no/);
    else expect(names(pattern)).toBe(expected);
  });

  it.each([
    ['workrs', 'unknown-host', 'there is no host and no group "workrs"', 'did you mean "workers"?'],
    ['all:!node-3', 'unknown-host', /"node-3"/, 'did you mean "node-03"?'],
    ['node-[07:10]', 'unknown-host', /"node-09" \(nor 1 more/, undefined],
    ['worker', 'unknown-host', /"worker"/, '"worker" is a role: write role=worker'],
    ['role=workr', 'unknown-role', /no host has the role "workr"/, 'did you mean "worker"?'],
    ['role=', 'unknown-role', /missing/, undefined],
    ['db-*', 'unknown-host', /matches "db-\*"/, undefined],
    ['node-[3:1]', 'bad-range', /range/, undefined],
    ['', 'empty-selection', /empty/, /"all"/],
    [' : ', 'empty-selection', /empty/, /"all"/],
    ['control:&rack-a', 'empty-selection', /selects no host/, undefined],
    ['!', 'unknown-host', /""/, undefined],
    ['node-01:~regex', 'unknown-host', /~regex/, undefined],
  ])('refuses %j', (pattern, code, what, fix) => {
    const [fault] = diagnosticsFrom(() => selectHosts(inventory, pattern, { source: '--limit' }));
    expect(fault).toMatchObject({ code, severity: 'error', at: { file: '--limit', line: 1 } });
    expect(fault?.what).toMatch(what);
    if (fix !== undefined) expect(fault?.fix).toMatch(fix);
  });

  it('names every unknown term at once, and points at each', () => {
    const faults = diagnosticsFrom(() => selectHosts(inventory, 'cp-9:rack-a:!nobody'));
    expect(faults.map(({ at }) => at)).toMatchObject([
      { column: 1, length: 4 },
      { column: 14, length: 6 },
    ]);
  });

  it('lets plays be written before the inventory, but not misspelt', () => {
    const lenient = { allowEmpty: true };
    expect(names('role=gpu', lenient)).toBe('');
    expect(names('gpu-*', lenient)).toBe('');
    expect(names('control:&rack-a', lenient)).toBe('');
    expect(() => names('workrs', lenient)).toThrow(/workrs/);
    expect(() => names('', lenient)).toThrow(/empty/);
  });

  it('is a set algebra: plain terms united, then &, then !, in the order of the inventory', () => {
    const sets = new Map<string, ReadonlySet<string>>([
      ...inventory.hosts.map(({ name }) => [name, new Set([name])] as const),
      ...[...inventory.groups.values()].map(({ name, hosts }) => [name, new Set(hosts)] as const),
      ['*', new Set(inventory.hosts.map(({ name }) => name))],
      [
        'node-*',
        new Set(inventory.hosts.map(({ name }) => name).filter((n) => n.startsWith('node'))),
      ],
      ['node-[02:06]', new Set(['node-02', 'node-03', 'node-04', 'node-05', 'node-06'])],
      ['role=ingress', new Set(['cp-1', 'node-04', 'node-05'])],
    ]);
    const term = fc.record({
      sign: fc.constantFrom('', '', '&', '!'),
      name: fc.constantFrom(...sets.keys()),
    });
    fc.assert(
      fc.property(
        fc.array(term, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(':', ',', ' , '),
        (terms, separator) => {
          const pattern = terms.map(({ sign, name }) => sign + name).join(separator);
          let model = new Set<string>();
          const plain = terms.filter(({ sign }) => sign === '');
          for (const { name } of plain.length === 0 ? [{ name: 'all' }] : plain) {
            model = model.union(sets.get(name) ?? new Set());
          }
          for (const { sign, name } of terms) {
            if (sign === '&') model = model.intersection(sets.get(name) ?? new Set());
          }
          for (const { sign, name } of terms) {
            if (sign === '!') model = model.difference(sets.get(name) ?? new Set());
          }
          const selected = selectHosts(inventory, pattern, { allowEmpty: true });
          const expected = inventory.hosts.filter(({ name }) => model.has(name));
          expect(selected).toEqual(expected);
          if (expected.length === 0) {
            expect(() => selectHosts(inventory, pattern)).toThrow(/selects no host/);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
