import { ExitCode } from '@skerry/diagnostics';
import type { LabStatus } from '@skerry/lab';
import { bundleFolder } from '../bundle-folder.ts';
import { openInventory } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import { labOf, passOn } from '../lab-machines.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';

/** `bootstrap lab up|status|ssh|destroy`. */
export async function lab(
  action: 'up' | 'status' | 'ssh' | 'destroy',
  path: string,
  options: OutputOptions & { readonly yes?: boolean; readonly host?: string },
): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  using interrupt = onInterrupt((text) => output.complain(text));
  const { inventory } = await openInventory(path, undefined);
  if (action === 'up') await bundleFolder(inventory, undefined, options);
  const { lab, view } = labOf(inventory, { ...options, signal: interrupt.signal }, output);
  try {
    switch (action) {
      case 'up':
        tellStatus(await lab.up(), output);
        return ExitCode.done;
      case 'status':
        tellStatus(await lab.status(), output);
        return ExitCode.done;
      case 'destroy':
        await lab.destroy();
        if (!output.settings.json) output.print('The lab and all its machines are gone.');
        return ExitCode.done;
      case 'ssh': {
        const host = options.host ?? inventory.hosts[0]?.name ?? '';
        const [program = 'ssh', ...words] = await lab.sshCommand(host);
        view.close();
        return (await passOn(program, words)) === 0 ? ExitCode.done : ExitCode.error;
      }
    }
  } finally {
    view.close();
  }
}

function tellStatus(status: LabStatus, output: Output): void {
  if (output.settings.json) {
    output.json({ type: 'lab-status', ...status });
    return;
  }
  const { colors } = output;
  const { accelerator, namespace, machines } = output.shown(status);
  const widest = Math.max(...machines.map(({ name }) => name.length));
  output.print(
    [
      ...machines.map(({ name, address, state, ssh }) => {
        const answers = ssh ? colors.green('SSH answers') : colors.yellow('no SSH');
        return `${name.padEnd(widest)}  ${address}  ${state.padEnd(8)}  ${answers}`;
      }),
      colors.dim(
        `${accelerator === 'kvm' ? 'KVM' : 'emulated'}${namespace ? ', in a network namespace of its own' : ''}`,
      ),
    ].join('\n'),
  );
}
