import { z } from 'zod';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { textDiff } from '../text-diff.ts';
import { writeFile } from '../write-file.ts';

/** One argument, without quotes or spaces. */
export const kernelArgument = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.,:=/+@%-]*$/,
    'one argument of the kernel, without quotes or spaces',
  );

const schema = z.strictObject({ arguments: z.array(kernelArgument) });
type Desired = z.infer<typeof schema>;

interface Observed {
  /** Who writes the arguments: grubby (RHEL), update-grub (Debian), or nothing that Skerry knows. */
  readonly loader: 'grubby' | 'grub' | 'none';
  /** /proc/cmdline. */
  readonly live: readonly string[];
  /** The arguments of each kernel that the boot loader offers. */
  readonly configured: readonly (readonly string[])[];
  /** The drop-in for grub; undefined where there is none. */
  readonly file: string | undefined;
}

const dropIn = '/etc/default/grub.d/90-skerry.cfg';

const fileText = (desired: Desired): string =>
  desired.arguments.length === 0
    ? ''
    : `# Managed by Skerry: kernelCommandLine\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${desired.arguments.join(' ')}"\n`;

const findLoader = `
find_loader() {
  loader=none grub=
  if command -v grubby >/dev/null && [ -d /boot/loader/entries ]; then
    loader=grubby
  elif command -v grub-mkconfig >/dev/null && [ -e /boot/grub/grub.cfg ]; then
    loader=grub
  fi
}`;

const probe = `${findLoader}
find_loader
echo "loader $loader"
echo "live $(cat /proc/cmdline)"
case $loader in
  grubby) grubby --info=ALL | sed -n 's/^args="\\(.*\\)"$/configured \\1/p' ;;
  grub) sed -n 's/^[[:space:]]*linux\\(efi\\)\\{0,1\\}[[:space:]][[:space:]]*[^[:space:]]*\\(.*\\)$/configured \\2/p' /boot/grub/grub.cfg | grep -v -w -e single -e recovery | sort -u ;;
esac
if [ -e "$1" ]; then echo '--'; cat "$1"; fi
`;

const converge = `${findLoader}
${writeFile}
drop=$1 text=$2; shift 2
find_loader
case $loader in
  grubby)
    [ $# -eq 0 ] || grubby --update-kernel=ALL --args="$*" ;;
  grub)
    if [ -n "$text" ]; then write_file "$drop" 0644 "$text"; else rm -f "$drop"; fi
    grub-mkconfig -o /boot/grub/grub.cfg 2>/dev/null || fail 'grub-mkconfig failed: run it by hand to see why' ;;
  *)
    fail 'no boot loader that Skerry knows is configured on this host' ;;
esac
`;

/**
 * Arguments of the kernel at the next boot. What the running kernel has is shown; a `reboot` step
 * with the same arguments makes them live. grubby keeps arguments that are no longer asked for.
 */
export const kernelCommandLineKind: StepKind<Desired, Observed> = {
  kind: 'kernelCommandLine',
  schema,
  summary: (desired) => `kernel arguments ${desired.arguments.join(' ') || '(none)'}`,
  probe: () => sh(probe, dropIn),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const loader = required(lines, 'loader');
    if (loader !== 'grubby' && loader !== 'grub' && loader !== 'none') {
      throw new Error(`unknown boot loader ${loader}`);
    }
    const split = (text: string): string[] => text.split(/\s+/).filter((part) => part !== '');
    return {
      loader,
      live: split(required(lines, 'live')),
      configured: lines.all('configured').map(split),
      file: lines.text,
    };
  },
  diff: (desired, { loader, live, configured, file }) => {
    const notLive = desired.arguments.filter((argument) => !live.includes(argument));
    if (loader === 'none') {
      if (notLive.length === 0) return [];
      return [
        {
          subject: 'kernel arguments',
          action: 'refuse',
          before: live.join(' '),
          after: notLive.join(' '),
          why: 'the host has neither grubby nor a configured GRUB: it was probably booted directly, as a virtual machine with a kernel of its own',
          fix: 'set the arguments where the machine is defined (-append of QEMU, cmdline of libvirt), or take them out of the inventory',
        },
      ];
    }
    const changes: Change[] = [];
    const diff = loader === 'grub' ? textDiff(file, fileText(desired) || undefined) : '';
    if (diff !== '') {
      const action = fileText(desired) === '' ? 'delete' : file === undefined ? 'create' : 'update';
      changes.push({ subject: dropIn, action, diff });
    }
    const missing = desired.arguments.filter(
      (argument) =>
        configured.length === 0 || configured.some((entry) => !entry.includes(argument)),
    );
    if (missing.length > 0) {
      const isLive = missing.every((argument) => live.includes(argument));
      changes.push({
        subject: 'kernel arguments (at boot)',
        action: 'update',
        before: (configured[0] ?? []).join(' '),
        after: `… ${missing.join(' ')}`,
        ...(!isLive && {
          why: 'the running kernel does not have them either: a reboot makes them live',
        }),
      });
    }
    return changes;
  },
  converge: (desired) => sh(converge, dropIn, fileText(desired), ...desired.arguments),
};

/** `kernelCommandLine({ arguments: ['transparent_hugepage=madvise'] })` */
export function kernelCommandLine(
  fields: { readonly arguments: readonly string[] } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: kernelCommandLineKind, name: '', desired: own, options };
}
