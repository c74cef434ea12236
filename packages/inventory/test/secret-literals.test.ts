import { formatDiagnostic } from '@skerry/diagnostics';
import { describe, expect, it } from 'vitest';
import { faultsOf } from './faults.ts';

const literal = 'hunter2-Tr0ub4dor';

describe('a secret in the inventory itself', () => {
  it.each([
    ['under secrets', `  secrets: {db: ${literal}}\n`],
    ['in quotes', `  secrets:\n    db: "${literal}"\n`],
    ['over several lines', `  secrets:\n    db: |\n      first\n      ${literal}\n`],
    ['as a list', `  secrets: {db: [${literal}]}\n`],
    ['as a map', `  secrets: {db: {value: ${literal}}}\n`],
    ['instead of the map', `  secrets: ${literal}\n`],
    ['as the password of sudo', `  connection: {sudo: {password: ${literal}}}\n`],
    ['as a passphrase', `  connection: {passphrase: ${literal}}\n`],
    ['with another fault in the line', `  connection: {password: ${literal}, port: x, agent: 3}\n`],
    ['below a misspelt key', `  connection: {pasword: ${literal}}\n`],
    ['below a misspelt section', `  secret: {db: ${literal}}\n`],
    ["below Ansible's key", `  ansible_password: ${literal}\n`],
    ['with a misspelt kind', `  secrets: {db: "evn:${literal}"}\n`],
    ['in a line that is no YAML', `  secrets:\n    db: "${literal}\n`],
    ['in a flow that is no YAML', `  connection: {password: ${literal}, port: [}\n`],
    ['beside a tab', `  secrets:\n\tdb: ${literal}\n`],
    ['as a key that stands twice', `  secrets: {db: ${literal}, db: ${literal}}\n`],
    [
      'through an alias',
      `  vars: {a: &a env:OK}\n  connection: {password: &b ${literal}, passphrase: *b}\n`,
    ],
  ])('is refused and not shown: %s', (_, text) => {
    const faults = faultsOf(
      `cluster:\n  name: x\n${text}groups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n`,
    );
    const shown = faults.map((fault) => formatDiagnostic(fault)).join('\n');
    expect(shown).not.toContain(literal);
    expect(JSON.stringify(faults)).not.toContain(literal);
    expect(shown).not.toContain('Tr0ub');
  });

  it('says that secrets are only by reference', () => {
    const [fault] = faultsOf(
      `cluster: {name: x, secrets: {db: ${literal}}}\ngroups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n`,
    );
    expect(fault && formatDiagnostic(fault)).toBe(
      `error: "db" must be a reference to a secret: env:NAME, file:PATH or command:COMMAND  [secret-literal]
  at site/cluster.yaml:1:34
    |
  1 | cluster: {name: x, secrets: {db: ‹hidden›}}
    |                                  ^^^^^^^^
  why: secrets are only by reference, so that the inventory can be shared and put in git; what stands here is not shown
  fix: write env:NAME, file:PATH or command:COMMAND; if a real secret stood here, consider it known`,
    );
  });

  it('keeps marking the right place after what is hidden', () => {
    const [, fault] = faultsOf(
      `cluster: {name: x, connection: {password: ${literal}, port: x}}\ngroups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n`,
    );
    const lines = (fault && formatDiagnostic(fault))?.split('\n') ?? [];
    expect(lines[3]?.indexOf('port: x')).toBe((lines[4]?.indexOf('^') ?? 0) - 'port: '.length);
  });
});
