import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRepository, packageRepositoryKind } from '../src/index.ts';
import { readSigningKeys } from '../src/openpgp.ts';

// RFC 9580, A.3: a certificate of version 6, whose fingerprint is given there.
const versionSix = `-----BEGIN PGP PUBLIC KEY BLOCK-----

xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy
KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw
gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE
QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn
+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh
BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8
j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805
I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==
-----END PGP PUBLIC KEY BLOCK-----
`;
const fingerprintSix = 'CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9';

it('computes the fingerprint of version 6 that RFC 9580 gives', () => {
  expect(readSigningKeys(versionSix).keys).toEqual([{ fingerprint: fingerprintSix }]);
});

it('refuses what is no key, cut off, or damaged', () => {
  expect(() => readSigningKeys('hello')).toThrow('no armored block');
  expect(() => readSigningKeys(Buffer.from('hello'))).toThrow('no OpenPGP data');
  const bytes = Buffer.from(versionSix.split('\n\n')[1]?.split('\n-----')[0] ?? '', 'base64');
  for (const length of [1, 3, 20, bytes.length - 1]) {
    expect(() => readSigningKeys(bytes.subarray(0, length))).toThrow();
  }
  expect(() => readSigningKeys(Buffer.alloc(0))).toThrow('no public key');
});

const gpg = ['/usr/bin/gpg', '/usr/local/bin/gpg'].find((path) => existsSync(path)) ?? '';

describe.skipIf(gpg === '')('against gpg', () => {
  let home = '';
  const run = (...args: string[]): Buffer =>
    execFileSync(
      gpg,
      [
        '--homedir',
        home,
        '--batch',
        '--quiet',
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        '',
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
  const fingerprintOf = (user: string): string =>
    /^fpr:*([0-9A-F]+):/m.exec(run('--with-colons', '--list-keys', user).toString())?.[1] ?? '';
  beforeAll(() => {
    home = mkdtempSync(`${tmpdir()}/skerry-gpg-`);
    run('--quick-generate-key', 'One', 'ed25519', 'sign', 'never');
    run('--quick-generate-key', 'Two', 'rsa2048', 'sign', 'never');
  });
  afterAll(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    rmSync(home, { recursive: true, force: true });
  });

  it('gives the same fingerprints, from armored text and from bytes', () => {
    const expected = [{ fingerprint: fingerprintOf('One') }, { fingerprint: fingerprintOf('Two') }];
    expect(readSigningKeys(run('--armor', '--export').toString()).keys).toEqual(expected);
    expect(readSigningKeys(run('--export')).keys).toEqual(expected);
  });

  it('writes an armored block that gpg reads as the same bytes', () => {
    const { armored } = readSigningKeys(run('--export', 'Two'));
    expect(readSigningKeys(armored).armored).toBe(armored);
    const shown = execFileSync(
      gpg,
      ['--homedir', home, '--batch', '--with-colons', '--show-keys'],
      {
        input: armored,
      },
    );
    expect(shown.toString()).toContain(fingerprintOf('Two'));
  });

  it('refuses a secret key, and a changed one', () => {
    const secret = run('--armor', '--export-secret-keys', 'One').toString();
    expect(() => readSigningKeys(secret)).toThrow('PRIVATE KEY BLOCK');
    expect(() => readSigningKeys(run('--export-secret-keys', 'One'))).toThrow('secret key');
    const armored = run('--armor', '--export', 'One').toString();
    const at = armored.indexOf('\n\n') + 12;
    const other = armored[at] === 'A' ? 'B' : 'A';
    expect(() => readSigningKeys(armored.slice(0, at) + other + armored.slice(at + 1))).toThrow(
      'checksum',
    );
  });

  it('a repository is refused where a key is not the one that was named, or hides behind it', () => {
    const one = fingerprintOf('One');
    const issues = (key: string, fingerprints: string[]): string[] => {
      const step = packageRepository('test', {
        apt: { uris: ['https://packages.example.no'], suites: ['./'] },
        key,
        fingerprints,
      });
      const checked = packageRepositoryKind.schema.safeParse(step.desired);
      return checked.success ? [] : checked.error.issues.map((issue) => issue.message);
    };
    const armoredOne = run('--armor', '--export', 'One').toString();
    const armoredTwo = run('--armor', '--export', 'Two').toString();
    expect(
      issues(armoredOne, [
        one
          .toLowerCase()
          .replace(/(.{4})/g, '$1 ')
          .trim(),
      ]),
    ).toEqual([]);
    expect(issues(armoredTwo, [one])).toHaveLength(2);
    expect(issues(armoredOne + armoredTwo, [one])).toEqual([
      expect.stringContaining(`${fingerprintOf('Two')} is not among the fingerprints`),
    ]);
    expect(issues('hello', [one])).toEqual([expect.stringContaining('no armored block')]);
  });
});
