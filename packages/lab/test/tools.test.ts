import { DiagnosticError } from '@skerry/diagnostics';
import { expect, test } from 'vitest';
import { command } from '../src/command.ts';
import { knownAddresses, parseKeyscan } from '../src/known-hosts.ts';
import { parseBoxes, parseDomainState } from '../src/machines.ts';
import { Progress, type LabEvent } from '../src/progress.ts';
import { checkSnapshotName, parseSnapshots } from '../src/snapshot.ts';
import { parseConfinement } from '../src/system.ts';

test('lines come whole, without colours and repeated progress', async () => {
  const lines: string[] = [];
  const script = String.raw`printf 'Progress: 1%%\rProgress: 2%%\r\033[1mhal'; sleep 0.1; printf 'f\033[0m\nlast\n'; echo oops >&2; exit 3`;
  const result = await command(['sh', '-c', script], {
    accept: [3],
    onLine: (line) => lines.push(line),
  });
  expect(result.code).toBe(3);
  expect(lines.toSorted()).toEqual(['half', 'last', 'oops']);
});

test('a failed command says what it printed last', async () => {
  const failure = command(['sh', '-c', 'echo why >&2; exit 4']).catch((error: unknown) => error);
  const error = await failure;
  expect(error).toBeInstanceOf(DiagnosticError);
  const [finding] = (error as DiagnosticError).diagnostics;
  expect(finding).toMatchObject({ code: 'command-failed', why: 'exit status 4:\nwhy' });
});

test('arguments arrive byte for byte and nothing is expanded', async () => {
  const words = ['$HOME', "it's", 'a b', '*', '`id`', 'ü\n'];
  const { stdout } = await command(['printf', '%s|', ...words]);
  expect(stdout).toBe(`${words.join('|')}|`);
});

test('a command is ended at its deadline', async () => {
  const started = Date.now();
  const { code } = await command(['sleep', '20'], { accept: 'any', deadline: 200 });
  expect(code).not.toBe(0);
  expect(Date.now() - started).toBeLessThan(5000);
});

test('an interrupted lab ends its stage and starts no other', async () => {
  const abort = new AbortController();
  const events: LabEvent[] = [];
  const progress = new Progress((event) => events.push(event), abort.signal);
  const first = progress.stage('one', async () => {
    setTimeout(() => {
      abort.abort();
    }, 100);
    await command(['sleep', '20'], { signal: abort.signal });
  });
  await expect(first).rejects.toMatchObject({ diagnostics: [{ code: 'lab-interrupted' }] });
  const second = progress.stage('two', () => Promise.resolve());
  await expect(second).rejects.toMatchObject({ diagnostics: [{ code: 'lab-interrupted' }] });
  expect(events.map(({ type }) => type)).toEqual(['stage-started', 'stage-ended']);
});

test("libvirt's states", () => {
  expect(['running\n\n', 'paused\n', 'shut off\n', 'crashed\n'].map(parseDomainState)).toEqual([
    'running',
    'paused',
    'off',
    'off',
  ]);
});

test("the boxes of Vagrant's machine-readable list", () => {
  const listing = `1795329511,,ui,info,skerry/debian-trixie-a (libvirt%!(VAGRANT_COMMA) 0)
1795329511,,box-name,skerry/debian-trixie-a
1795329511,,box-provider,libvirt
1795329511,,box-version,0
1795329511,,box-name,generic/debian12
1795329511,,box-provider,virtualbox
`;
  expect(parseBoxes(listing)).toEqual(['skerry/debian-trixie-a']);
});

test('ssh-keyscan gives keys and comments; only keys are kept', () => {
  const scan = `# 192.168.121.11:22 SSH-2.0-OpenSSH_10.0
192.168.121.11 ssh-ed25519 AAAAC3
192.168.121.11 ecdsa-sha2-nistp256 AAAAE2
`;
  expect(parseKeyscan(scan)).toEqual([
    '192.168.121.11 ecdsa-sha2-nistp256 AAAAE2',
    '192.168.121.11 ssh-ed25519 AAAAC3',
  ]);
  expect([...knownAddresses(scan.replace(/^#.*\n/, ''))]).toEqual(['192.168.121.11']);
});

test("QEMU's list of snapshots", () => {
  const text = `List of snapshots present on all disks:
ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT
--        fresh             231 MiB 2026-11-22 06:37:12 00:05:39.466
--        base.2            1.21 GiB 2026-11-22 06:38:12 00:06:39.466`;
  expect(parseSnapshots(text)).toEqual(['fresh', 'base.2']);
  expect(parseSnapshots('There is no snapshot available.')).toEqual([]);
});

test('a snapshot is named by a plain word', () => {
  for (const name of ['', 'a b', '-x', 'a;quit', '1']) {
    expect(() => {
      checkSnapshotName(name);
    }).toThrow(DiagnosticError);
  }
  checkSnapshotName('fresh-1.2_x');
});

test("what confines QEMU, from libvirt's capabilities", () => {
  const model = (name: string) =>
    `<secmodel>\n      <model>${name}</model>\n <doi>0</doi></secmodel>`;
  expect(parseConfinement(model('apparmor') + model('dac'))).toEqual(['apparmor']);
  expect(parseConfinement(model('none') + model('dac'))).toEqual([]);
});
