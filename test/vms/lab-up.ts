import { bootstrap, inventory, output } from '../machines.ts';

/** Brings the lab up for all files, and takes it away after the last one. */
export async function setup(): Promise<() => Promise<void>> {
  const begin = Date.now();
  const up = await bootstrap('lab', 'up', inventory, '--yes');
  console.log(up.stdout, up.stderr, `lab up after ${Math.round((Date.now() - begin) / 1000)} s`);
  if (up.code !== 0) throw new Error(`lab up ended with ${up.code}`);
  for (const machine of ['lab-1', 'lab-2']) {
    // sshd tells of each session it starts: how the tests count exec channels.
    await output(
      machine,
      "printf 'LogLevel VERBOSE\\n' >/etc/ssh/sshd_config.d/tests.conf && systemctl reload ssh",
    );
  }
  return async () => {
    if (process.env['SKERRY_KEEP_LAB'] !== undefined) return;
    const { code, stderr } = await bootstrap('lab', 'destroy', inventory, '--yes');
    if (code !== 0) throw new Error(`lab destroy ended with ${code}: ${stderr}`);
  };
}
