import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hardwareAddress, networkXml, type LabNetwork } from './network.ts';
import { labName, type LabMachine } from './settings.ts';
import { virsh, virshNames } from './virsh.ts';

/** Defines and starts the lab's network, or adds what is missing to it. */
export async function ensureNetwork(
  folder: string,
  network: LabNetwork,
  machines: readonly LabMachine[],
  mtu: number,
): Promise<void> {
  if (!(await virshNames(['net-list', '--all'])).includes(labName)) {
    const file = join(folder, 'network.xml');
    await writeFile(file, networkXml(network, machines, mtu));
    await virsh(['net-define', file]);
    await rm(file);
  }
  const active = (await virshNames(['net-list'])).includes(labName);
  const { stdout } = await virsh(['net-dumpxml', labName]);
  for (const { name, address } of machines) {
    if (stdout.includes(`ip='${address}'`)) continue;
    const host = `<host mac='${hardwareAddress(address)}' name='${name}' ip='${address}'/>`;
    const where = active ? ['--live', '--config'] : ['--config'];
    await virsh(['net-update', labName, 'add', 'ip-dhcp-host', host, ...where]);
  }
  if (!active) await virsh(['net-start', labName]);
}

export async function removeNetwork(): Promise<void> {
  if (!(await virshNames(['net-list', '--all'])).includes(labName)) return;
  await virsh(['net-destroy', labName], { accept: 'any' });
  await virsh(['net-undefine', labName], { accept: 'any' });
}
