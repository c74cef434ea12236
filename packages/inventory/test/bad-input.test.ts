import { formatDiagnostic } from '@skerry/diagnostics';
import { describe, expect, it } from 'vitest';
import { brief, faultsOf, parse } from './faults.ts';

const head = 'cluster: {name: x}\n';
const hosts = (text: string): string => `${head}groups:\n  g:\n    hosts:\n${text}`;
const cluster = (text: string): string =>
  `cluster:\n  name: x\n${text}groups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n`;

describe('all in one run', () => {
  it('names every fault of a file, in its order, whatever finds it', () => {
    const faults = faultsOf(`clustre: 1
cluster:
  name: x
  connection:
    port: "22"
    jump: ['a b']
  node:
    sysctl: {ip_forward: 1}
  secrets: {db: hunter22}
groups:
  workers:
    hosts:
      node-[01:20]: {address: '10.0.0.[1:19]'}
      l: {adress: 10.0.0.30}
      m: {address: 10.0.0.40}
      o: {address: 10.0.0.40}
    children: {other: {children: [workers, nobody]}}
`);
    expect(brief(faults)).toEqual([
      'unknown-key 1:1',
      'wrong-type 5:11',
      'invalid-jump 6:12',
      'invalid-sysctl-key 8:14',
      'secret-literal 9:17',
      'bad-range 13:31',
      'unknown-key 14:11',
      'duplicate-address 16:20',
      'group-cycle 17:35',
      'unknown-group 17:44',
    ]);
  });

  it('shows the line, marks the place, and says what is meant', () => {
    const [fault] = faultsOf(hosts('      n: {adress: 10.0.0.1}\n'));
    expect(fault && formatDiagnostic(fault)).toBe(
      `error: unknown key "adress" in "n"  [unknown-key]
  at site/cluster.yaml:5:11
    |
  5 |       n: {adress: 10.0.0.1}
    |           ^^^^^^
  why: known here: address, roles, vars, secrets, node, connection
  fix: did you mean "address"?`,
    );
  });
});

describe('YAML', () => {
  it.each([
    ['a tab', `cluster:\n\tname: x\n`, 'yaml-tab', 2, 1, /two spaces/],
    ['a quote that never ends', `cluster:\n  name: 'x\n`, 'yaml-syntax', 3, 1, undefined],
    ['two documents', `${head}---\n${head}`, 'yaml-syntax', 2, 1, /---/],
    ['an unknown tag', `cluster: {name: !vault x}\n`, 'yaml-tag', 1, 17, /tag/],
    ['an alias of nothing', `cluster: {name: *x}\n`, 'yaml-alias', 1, 17, /&x/],
    ['a list as a key', `${head}? [a]\n: 1\n`, 'invalid-key', 2, 3, /quotes/],
    ['__proto__', `cluster: {name: x, vars: {__proto__: 1}}\n`, 'invalid-key', 1, 27, /quotes/],
    ['infinity', cluster('  vars: {a: .inf}\n'), 'wrong-type', 3, 13, undefined],
  ])('refuses %s', (_, text, code, line, column, fix) => {
    const [fault] = faultsOf(text);
    expect(fault).toMatchObject({ code, at: { line, column } });
    if (fix !== undefined) expect(fault?.fix).toMatch(fix);
  });

  it('tells only of tabs where tabs make the rest unreadable', () => {
    const faults = faultsOf('cluster:\n\tname: x\n  vars:\n\t\ta: 1\n');
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(['yaml-tab']));
  });

  it('names both places of a key that stands twice, and goes on', () => {
    const faults = faultsOf(
      hosts('      n: {address: 10.0.0.1}\n      n: {address: 10.0.0.2}\n') + 'nonsense: 1\n',
    );
    expect(brief(faults)).toEqual(['duplicate-key 6:7', 'unknown-key 7:1']);
    expect(faults[0]?.why).toContain('site/cluster.yaml:5');
  });

  it('refuses an alias bomb at once', () => {
    const levels = Array.from(
      { length: 30 },
      (_, n) =>
        `  l${n}: &l${n} [${Array(10)
          .fill(n === 0 ? 'lol' : `*l${n - 1}`)
          .join(', ')}]`,
    );
    const started = performance.now();
    const faults = faultsOf(`${head}vars:\n${levels.join('\n')}\n`);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(faults.map(({ code }) => code)).toEqual(['yaml-alias-bomb']);
  });

  it('refuses an alias inside of what it names', () => {
    expect(brief(faultsOf(cluster('  vars: &v {a: *v}\n')))).toContain('yaml-alias 3:16');
  });

  it('refuses brackets without end', () => {
    const [fault] = faultsOf('['.repeat(20_000));
    expect(fault?.code).toMatch(/^yaml-/);
  });

  it.each([
    ['nothing', '', /nothing in it$/],
    ['comments', '# hello\n', /comments/],
    ['a document mark', '---\n', /nothing in it/],
  ])('says that a file with %s is empty', (_, text, why) => {
    expect(faultsOf(text)).toMatchObject([{ code: 'file-empty', why: expect.stringMatching(why) }]);
  });

  it.each(['just text\n', '- a\n- b\n', '42\n'])('wants a map at the top, not %j', (text) => {
    expect(faultsOf(text)).toMatchObject([{ code: 'wrong-type' }]);
  });
});

describe('types and values', () => {
  it.each([
    ['connection: {port: "22"}', '"port" must be a number, not text', 'leave out the quotes'],
    ['connection: {port: 70000}', '"port" must be at most 65535', undefined],
    [
      'connection: {port: 1.5}',
      '"port" must be a whole number, not a number with a fraction',
      undefined,
    ],
    [
      'connection: {port: }',
      '"port" must be a number, not empty',
      'give it a value, or leave out the key',
    ],
    ['connection: {user: 42}', '"user" must be text, not a number', 'put it in quotes'],
    ['connection: {agent: yes}', '"agent" must be true or false, not text', /true and false/],
    [
      'connection: {hostKeys: stict}',
      '"hostKeys" must be "strict" or "accept-new"',
      'did you mean "strict"?',
    ],
    ['connection: {jump: ops@bastion}', '"jump" must be a list, not text', /list/],
    [
      'connection: {hostKeys: {pinned: [abc]}}',
      /^item 1 of "pinned" must be a public key/,
      undefined,
    ],
    ['connection: {sudo: maybe}', '"sudo" must be true or false or a map, not text', undefined],
    ['node: {reboot: always}', '"reboot" must be "never" or "when-required"', undefined],
    ['node: {swap: off}', '"swap" must be true or false, not text', /true and false/],
    ['node: {modules: ip_vs}', '"modules" must be a list, not text', /list/],
    [
      'node: {modules: ["a b"]}',
      'item 1 of "modules" must be the name of a kernel module',
      undefined,
    ],
    [
      'node: {sysctl: {net.ipv4.ip_forward: true}}',
      /must be a number or text, not true or false/,
      'write 1 or 0',
    ],
    ['node: {disks: [{mount: /data}]}', /^item 1 of "disks" must be named by/, /lsblk/],
    ['node: {disks: [{serial: A, mount: data}]}', '"mount" must be an absolute path', undefined],
    ['node: {disks: [{serial: A}]}', '"mount" is missing', undefined],
    [
      'node: {timeServers: ["-x"]}',
      'item 1 of "timeServers" must be an address or a host name',
      undefined,
    ],
    ['vars: [1]', '"vars" must be a map, not a list', undefined],
  ])('%s', (text, what, fix) => {
    const faults = faultsOf(cluster(`  ${text}\n`));
    expect(faults).toHaveLength(1);
    expect(faults[0]?.what).toMatch(what);
    if (fix !== undefined) expect(faults[0]?.fix).toMatch(fix);
    expect(faults[0]).toMatchObject({ at: { line: 3 } });
  });

  it.each([
    ['net.core.somaxconn=5', 'write net.core.somaxconn: 5'],
    ['ip_forward', /sysctl -a/],
    ['net. ipv4.x', undefined],
    ['$(reboot).x', undefined],
  ])('refuses the sysctl key %s, pointing at the key', (key, fix) => {
    const [fault] = faultsOf(cluster(`  node: {sysctl: {"${key}": 1}}\n`));
    expect(fault).toMatchObject({ code: 'invalid-sysctl-key', at: { line: 3, column: 19 } });
    if (fix !== undefined) expect(fault?.fix).toMatch(fix);
  });

  it('takes sysctl keys with globs and with slashes', () => {
    const text =
      '  node: {sysctl: {net.ipv4.conf.lxc*.rp_filter: 0, net/ipv4/conf/eth0.20/forwarding: 1}}\n';
    expect(parse(cluster(text)).hosts[0]?.node.sysctl).toEqual({
      'net.ipv4.conf.lxc*.rp_filter': 0,
      'net/ipv4/conf/eth0.20/forwarding': 1,
    });
  });

  it.each(['a b', 'u@', '@h', 'h:0', 'h:99999', 'a,b', '[fd00::1', '[xyz]:22', 'u@h:x', ''])(
    'refuses the jump host %j',
    (jump) => {
      const faults = faultsOf(cluster(`  connection: {jump: [${JSON.stringify(jump)}]}\n`));
      expect(faults).toMatchObject([{ code: 'invalid-jump' }]);
    },
  );

  it.each([
    ['node', 'connection', 'user', '"user" belongs below "connection:"'],
    ['', '', 'sysctl', '"sysctl" belongs below "node:"'],
    ['', '', 'ansible_host', /written "address"/],
    ['', '', 'region', /below "vars:"/],
  ])('says where a known key belongs (%s%s %s)', (_a, _b, key, fix) => {
    const faults = faultsOf(hosts(`      n: {address: 10.0.0.1, ${key}: 1}\n`));
    expect(faults).toMatchObject([{ code: 'unknown-key' }]);
    expect(faults[0]?.fix).toMatch(fix);
  });
});

describe('hosts and groups', () => {
  it.each([
    ['node-[01-20]: {}', /write \[01:20\]/],
    ['node-[20:01]: {}', /write \[01:20\]/],
    ['node-[1:]: {}', undefined],
    ['"node-[1:3": {}', undefined],
    ['node-[1:z]: {}', undefined],
    ['node-[1:9:0]: {}', /step of 1/],
    ['node-[1:99999999]: {}', /correct the end/],
    ['n-[1:200]-[1:200]: {}', /correct the end/],
    ['node-[01:20]: {address: "10.0.0.[1:19]"}', 'write 10.0.0.[1:20]'],
    ['node-[01:03]: {address: 10.0.0.7}', 'write 10.0.0.[7:9]'],
    ['node: {address: "10.0.0.[1:2]"}', 'write 10.0.0.[1:1]'],
  ])('refuses the range %s', (text, fix) => {
    const faults = faultsOf(hosts(`      ${text}\n`));
    expect(faults).toMatchObject([{ code: 'bad-range', at: { line: 5 } }]);
    if (fix !== undefined) expect(faults[0]?.fix).toMatch(fix);
  });

  it.each([
    '10.0.0.300',
    '10.0.0',
    '010.0.0.1',
    '10.0.0.1/24',
    '10.0.0.1:22',
    'ops@10.0.0.1',
    '[fd00::1]',
    'fd00::1::2',
    'a_b',
    '-x',
    '$(id)',
    "a'b",
  ])('refuses the address %s', (address) => {
    const faults = faultsOf(hosts(`      n: {address: ${JSON.stringify(address)}}\n`));
    expect(faults).toMatchObject([{ code: 'invalid-address', at: { line: 5, column: 20 } }]);
  });

  it('finds the address that leaves the octets within a range', () => {
    const faults = faultsOf(hosts(`      n-[1:9]: {address: '10.0.0.[250:258]'}\n`));
    expect(faults).toMatchObject([{ what: '"10.0.0.256" is not an address' }]);
  });

  it.each(['Node-1', 'node_1', 'node 1', '-node', '$(id)', 'é'])('refuses the name %s', (name) => {
    const faults = faultsOf(hosts(`      ${JSON.stringify(name)}: {address: 10.0.0.1}\n`));
    expect(faults).toMatchObject([{ code: 'invalid-host-name', at: { line: 5, column: 7 } }]);
  });

  it('wants an address, or a full name', () => {
    expect(faultsOf(hosts('      node:\n'))).toMatchObject([{ code: 'missing-address' }]);
    const [host] = parse(hosts('      node.example.org:\n')).hosts;
    expect(host?.address).toBe('node.example.org');
  });

  it('tells once of a whole range without addresses', () => {
    expect(faultsOf(hosts('      node-[1:50]: {}\n'))).toHaveLength(1);
  });

  it.each([
    [
      'the same host in two groups with settings',
      '{a: {hosts: {n: {address: 10.0.0.1}}}, b: {hosts: {n: {address: 10.0.0.2}}}}',
    ],
    [
      'ranges that overlap',
      '{a: {hosts: {"n-[1:3]": {address: "10.0.0.[1:3]"}, "n-[3:4]": {address: "10.0.0.[5:6]"}}}}',
    ],
    ['the same name twice in a list', '{a: {hosts: {n: {address: 10.0.0.1}}}, b: {hosts: [n, n]}}'],
  ])('refuses %s', (_, groups) => {
    expect(faultsOf(`${head}groups: ${groups}\n`)).toMatchObject([
      { code: 'duplicate-host', why: expect.stringContaining('site/cluster.yaml:2') },
    ]);
  });

  it.each([
    ['fd00::1', 'fd00:0:0::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['a.example.org', 'A.example.org'],
  ])('refuses two hosts at %s and %s', (first, second) => {
    const faults = faultsOf(
      hosts(`      a: {address: "${first}"}\n      b: {address: "${second}"}\n`),
    );
    expect(faults).toMatchObject([{ code: 'duplicate-address', at: { line: 6 } }]);
  });

  it('takes one address with two ports, or behind two jump hosts', () => {
    const ports = hosts(`      a: {address: 10.0.0.1, connection: {port: 2201}}
      b: {address: 10.0.0.1, connection: {port: 2202}}
      c: {address: 10.0.0.1, connection: {jump: [j.example.org]}}\n`);
    expect(parse(ports).hosts).toHaveLength(3);
  });

  it('refuses two hosts that are both this machine', () => {
    const local = 'connection: {transport: local}';
    const faults = faultsOf(hosts(`      a: {${local}}\n      b: {address: 10.0.0.9, ${local}}\n`));
    expect(faults).toMatchObject([{ code: 'duplicate-address' }]);
    expect(parse(hosts(`      a: {${local}}\n`)).hosts[0]?.address).toBe('localhost');
  });

  it('draws the circle of groups, however long', () => {
    const faults = faultsOf(`${head}groups:
  a: {children: [b], hosts: {n: {address: 10.0.0.1}}}
  b: {children: [c]}
  c: {children: [a]}
  d: {children: [d]}
`);
    expect(faults.map(({ code, why }) => `${code} ${why}`)).toEqual([
      'group-cycle a → b → c → a',
      'group-cycle d → d',
    ]);
  });

  it.each([
    [
      '{workers: {hosts: {n: {address: 10.0.0.1}}}, x: {children: [worker]}}',
      'unknown-group',
      'did you mean "workers"?',
    ],
    ['{all: {hosts: {n: {address: 10.0.0.1}}}}', 'reserved-name', /cluster/],
    ['{"a:b": {hosts: {n: {address: 10.0.0.1}}}}', 'invalid-group-name', undefined],
    ['{n: {hosts: {n: {address: 10.0.0.1}}}}', 'name-clash', /rename/],
    [
      '{a: {hosts: {n: {address: 10.0.0.1}}}, b: {children: {a: {roles: [x]}}}}',
      'duplicate-group',
      /without settings/,
    ],
    ['{a: }', 'no-hosts', undefined],
  ])('refuses %s', (groups, code, fix) => {
    const faults = faultsOf(`${head}groups: ${groups}\n`);
    expect(faults).toMatchObject([{ code, at: { line: 2 } }]);
    if (fix !== undefined) expect(faults[0]?.fix).toMatch(fix);
  });

  it('refuses machines of the lab that are no hosts, or lie outside of its network', () => {
    const faults = faultsOf(
      `${hosts('      lab-1: {address: 10.0.0.1}\n')}lab: {machines: {lab1: {}}}\n`,
    );
    expect(brief(faults)).toEqual(['address-outside-lab 5:24', 'unknown-host 6:18']);
    expect(faults[1]?.fix).toBe('did you mean "lab-1"?');
  });
});
