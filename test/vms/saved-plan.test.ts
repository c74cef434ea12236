import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bootstrap, inventory, on, output } from '../machines.ts';
import { receivedDuring, scriptsFor } from './recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-reviewed-'));
const plan = join(folder, 'plan.json');
const machines = ['lab-1', 'lab-2'];

afterAll(() => rmSync(folder, { recursive: true }));

describe('a plan that was reviewed', () => {
  test('is saved, and changes nothing', async () => {
    const saved = await bootstrap(
      'run',
      'test/vms/reviewed.ts',
      inventory,
      '--check',
      '--out',
      plan,
    );
    expect(saved.code, saved.stdout + saved.stderr).toBe(0);
    for (const machine of machines) expect((await on(machine, 'ls /etc/reviewed.*')).code).toBe(2);
  });

  test('is refused where somebody changed by hand what it would write over, and named', async () => {
    await output('lab-2', 'echo "by hand" >/etc/reviewed.conf');
    const refused = await bootstrap('apply', plan, '--yes');
    const said = refused.stdout + refused.stderr;
    expect(refused.code, said).toBe(1);
    expect(said).toMatch(/lab-2/);
    expect(said).toContain('/etc/reviewed.conf');
    expect((await on('lab-1', 'ls /etc/reviewed.*')).code).toBe(2);
    expect(await output('lab-2', 'cat /etc/reviewed.conf; ls /etc/reviewed.*')).toBe(
      'by hand\n/etc/reviewed.conf',
    );
  });

  test('is applied when that is undone, and sshd received the very scripts that stand in it', async () => {
    await output('lab-2', 'rm /etc/reviewed.conf');
    const received = await receivedDuring('lab-2', async () => {
      const applied = await bootstrap('apply', plan, '--yes');
      expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    });
    for (const machine of machines) {
      expect(await output(machine, 'cat /etc/reviewed.conf /etc/reviewed.other')).toBe(
        `name = ${machine}\nreviewed = yes\nas it was asked`,
      );
      expect(await output(machine, 'sysctl -n kernel.printk_ratelimit')).toBe('7');
    }
    const scripts = scriptsFor('lab-2', plan);
    expect([...scripts.keys()]).toContain('file /etc/reviewed.other');
    for (const script of scripts.values()) expect(received).toContain(script);
  });

  test('is used up', async () => {
    const again = await bootstrap('apply', plan, '--yes');
    expect(again.code, again.stdout + again.stderr).toBe(1);
    expect(again.stdout + again.stderr).toMatch(/this plan was used already/);
  });
});
