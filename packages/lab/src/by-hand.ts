/**
 * The lab without the rest of Skerry, for work on the lab itself:
 *
 *     npm run lab --workspace packages/lab -- up|status|destroy|snapshot NAME|restore NAME|ssh NAME
 *
 * Two machines; the first has two NVMe disks. `LAB_FOLDER` names another folder than .skerry/lab.
 */
import { resolve } from 'node:path';
import { $ } from 'zx/core';
import { DiagnosticError, formatDiagnostic } from '@skerry/diagnostics';
import { createLab } from './lab.ts';

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort());

const nvme = (serial: string) => ({ serial, size: 2, bus: 'nvme' as const });
const lab = createLab({
  folder: process.env['LAB_FOLDER'] ?? resolve(import.meta.dirname, '../../../.skerry/lab'),
  settings: {
    cpus: 2,
    memory: 2048,
    disk: 10,
    network: '192.168.121.0/24',
    debian: process.env['LAB_DEBIAN'] === 'bookworm' ? 'bookworm' : 'trixie',
  },
  machines: [
    {
      name: 'lab-1',
      address: '192.168.121.11',
      disks: [nvme('SKERRYETCD1'), nvme('SKERRYDATA1')],
    },
    { name: 'lab-2', address: '192.168.121.12', disks: [] },
  ],
  signal: abort.signal,
  confirm: () => Promise.resolve(true),
  onEvent: (event) => {
    const time = new Date(event.at).toISOString().slice(11, 19);
    if (event.type === 'stage-ended') {
      console.log(
        `${time} ${event.ok ? 'done' : 'FAILED'} ${event.stage} (${event.took / 1000} s)`,
      );
    } else if (event.type === 'stage-started') console.log(`${time} ${event.stage} …`);
    else console.log(`${time} ${event.type}: ${event.text}`);
  },
});

const [action = 'status', name = ''] = process.argv.slice(2);
try {
  if (action === 'up') console.log(await lab.up());
  else if (action === 'destroy') await lab.destroy();
  else if (action === 'snapshot') await lab.snapshot(name);
  else if (action === 'restore') await lab.restore(name);
  else if (action === 'ssh') {
    await $({
      stdio: 'inherit',
      nothrow: true,
    })`${await lab.sshCommand(name)} ${process.argv.slice(4)}`;
  } else console.log(await lab.status(), await lab.requirements());
} catch (error) {
  if (!(error instanceof DiagnosticError)) throw error;
  for (const each of error.diagnostics) console.error(formatDiagnostic(each));
  process.exitCode = error.exitCode;
}
