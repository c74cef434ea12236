import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { describeHost, type Json } from '../src/index.ts';
import { parse } from './faults.ts';

type Vars = { [key: string]: Json };

const isMap = (value: Json | undefined): value is Vars =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The rule of docs/inventory.md, as plainly as it can be said. */
function over(lower: Json | undefined, upper: Json): Json {
  if (!isMap(lower) || !isMap(upper)) return upper;
  const out: Vars = { ...lower };
  for (const [key, value] of Object.entries(upper)) out[key] = over(out[key], value);
  return out;
}

const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string());
const key = fc.constantFrom('a', 'b', 'c', 'net.x', 'd e');
const { vars } = fc.letrec<{ value: Json; vars: Vars }>((tie) => ({
  value: fc.oneof(
    { weight: 3, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    { weight: 3, arbitrary: tie('vars') },
  ),
  vars: fc.dictionary(key, tie('value'), {
    maxKeys: 4,
    depthIdentifier: 'vars',
    noNullPrototype: true,
  }),
}));

describe('precedence', () => {
  it('is cluster, outer group, inner group, later sibling, host; for every value and its origin', () => {
    fc.assert(
      fc.property(fc.array(vars, { minLength: 5, maxLength: 5 }), (layers) => {
        const [cluster, outer, inner, sibling, host] = layers as [Vars, Vars, Vars, Vars, Vars];
        const inventory = parse(
          stringify({
            cluster: { name: 'x', vars: cluster },
            groups: {
              outer: {
                vars: outer,
                children: {
                  inner: { vars: inner, hosts: { n: { address: '10.0.0.1', vars: host } } },
                  sibling: { vars: sibling, hosts: ['n'] },
                },
              },
            },
          }),
        );
        expect(inventory.hosts[0]?.groups).toEqual(['all', 'outer', 'inner', 'sibling']);
        const expected = layers.reduce<Json>((lower, upper) => over(lower, upper), {});
        expect(inventory.hosts[0]?.vars).toEqual(expected);

        const levels = ['cluster', 'group outer', 'group inner', 'group sibling', 'host n'];
        for (const { path, value, level, at } of describeHost(inventory, 'n').values) {
          if (!path.startsWith('vars.')) continue;
          expect(at).toBeDefined();
          // The level that is named holds this very value at this path.
          const layer = layers[levels.indexOf(level)];
          expect(valueAt(layer, path)).toEqual(value);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('points at the value that won, in the file', () => {
    const inventory = parse(`cluster:
  name: x
  vars: {region: oslo, dns: [a, b], map: {one: 1, two: 2}}
groups:
  g:
    vars: {dns: [c], map: {two: 22}}
    hosts:
      n: {address: 10.0.0.1, vars: {region: bergen}}
`);
    const values = describeHost(inventory, 'n').values.filter(({ path }) =>
      path.startsWith('vars'),
    );
    expect(
      values.map(({ path, value, level, position }) => [path, value, level, position]),
    ).toEqual([
      ['vars.region', 'bergen', 'host n', 'site/cluster.yaml:8:45'],
      ['vars.dns', ['c'], 'group g', 'site/cluster.yaml:6:17'],
      ['vars.map.one', 1, 'cluster', 'site/cluster.yaml:3:48'],
      ['vars.map.two', 22, 'group g', 'site/cluster.yaml:6:33'],
    ]);
  });

  it('goes by depth first: a group deeper below wins, wherever it is written', () => {
    const inventory = parse(`cluster: {name: x, vars: {v: 0}}
groups:
  a: {children: {b: {vars: {v: deep}, hosts: {n: {address: 10.0.0.1}}}}}
  c: {vars: {v: shallow, w: 1}, hosts: [n]}
`);
    expect(inventory.hosts[0]?.groups).toEqual(['all', 'a', 'c', 'b']);
    expect(inventory.hosts[0]?.vars).toEqual({ v: 'deep', w: 1 });
  });

  it('puts defaults below all, and says so', () => {
    const inventory = parse(`cluster: {name: x, node: {swap: true}, connection: {timeout: 5}}
groups:
  g: {node: {sysctl: {net.core.somaxconn: 1}}, hosts: {n: {address: 10.0.0.1, node: {sysctl: {vm.swappiness: 0}}}}}
`);
    const [host] = inventory.hosts;
    expect(host?.node).toMatchObject({
      swap: true,
      reboot: 'never',
      sysctl: { 'net.core.somaxconn': 1, 'vm.swappiness': 0 },
      containerd: { mirrors: {} },
    });
    const level = (path: string) => host?.origins.get(path)?.level;
    expect(level('node.swap')).toBe('cluster');
    expect(level('node.reboot')).toBe('default');
    expect(host?.origins.get('node.reboot')?.at).toBeUndefined();
    expect(level('node.sysctl."net.core.somaxconn"')).toBe('group g');
    expect(level('node.sysctl."vm.swappiness"')).toBe('host n');
    expect(level('node.containerd.mirrors')).toBe('default');
    expect(level('connection.timeout')).toBe('cluster');
    expect(level('connection.transport')).toBe('default');
    expect(level('address')).toBe('host n');
  });

  it('gives every described value an origin', () => {
    const inventory = parse(`cluster: {name: x, secrets: {"a.b": env:X, c: env:Y}}
groups: {g: {roles: [worker], hosts: {n.example.org: }}}
`);
    const [host] = inventory.hosts;
    for (const { path } of describeHost(inventory, 'n.example.org').values) {
      expect(host?.origins.has(path), path).toBe(true);
    }
  });
});

describe('a null section or group', () => {
  it('is as good as none', () => {
    const inventory = parse(`cluster: {name: x, vars: , node: , connection: , secrets: }
groups: {g: {vars: , roles: , children: , hosts: {n: {address: 10.0.0.1, vars: }}}, empty: }
lab:
`);
    expect(inventory.hosts[0]?.vars).toEqual({});
    expect(inventory.groups.get('empty')?.hosts).toEqual([]);
  });
});

describe('anchors and merge keys', () => {
  it('hold, with the position of what they name', () => {
    const inventory = parse(`cluster: {name: x}
groups:
  a: {vars: &base {k: 1, l: 1}, hosts: {n: {address: 10.0.0.1}}}
  b: {vars: {<<: *base, l: 2}, hosts: {m: {address: 10.0.0.2}}}
`);
    const [, m] = inventory.hosts;
    expect(m?.vars).toEqual({ k: 1, l: 2 });
    expect(m?.origins.get('vars.k')).toMatchObject({
      level: 'group b',
      at: { line: 3, column: 23 },
    });
  });
});

describe('roles', () => {
  it('add up over groups and host', () => {
    const inventory = parse(`cluster: {name: x}
groups:
  a: {roles: [worker, edge], children: {b: {roles: [ingress], hosts: {n: {address: 10.0.0.1, roles: [edge, gpu]}}}}}
`);
    expect(inventory.hosts[0]?.roles).toEqual(['worker', 'edge', 'ingress', 'gpu']);
    expect(inventory.groups.get('b')?.roles).toEqual(['worker', 'edge', 'ingress']);
    expect(inventory.hosts[0]?.origins.get('roles.edge')?.level).toBe('group a');
  });
});

/** What stands at a dotted path, where quoted parts are one key. */
function valueAt(value: Json | undefined, path: string): Json | undefined {
  const parts = path.match(/"(?:[^"\\]|\\.)*"|[^.]+/g) ?? [];
  return parts
    .slice(1)
    .map((part) => (part.startsWith('"') ? (JSON.parse(part) as string) : part))
    .reduce<Json | undefined>((inner, part) => (isMap(inner) ? inner[part] : undefined), value);
}
