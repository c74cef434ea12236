import { z } from 'zod';
import { sh } from '../fragment.ts';
import { newerKernel } from '../kernel-release.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { probeLines, required } from '../probe-lines.ts';
import { splitOptions } from '../step-options.ts';
import { kernelArgument } from './kernel-command-line.ts';

const schema = z.strictObject({
  /** `required`: when something on the host asks for it; `never`: not at all. */
  when: z.enum(['required', 'never']).default('required'),
  /** Arguments that the running kernel must have. */
  arguments: z.array(kernelArgument).default([]),
});
type Desired = z.infer<typeof schema>;

interface Observed {
  /** Of the boot that is running: it changes with each. */
  readonly bootId: string;
  /** `uname -r` */
  readonly running: string;
  /** The kernels in /boot. */
  readonly installed: readonly string[];
  /** Packages that ask for a reboot; undefined where none does. */
  readonly asked: readonly string[] | undefined;
  /** /proc/cmdline. */
  readonly live: readonly string[];
}

const probe = `
echo "boot $(cat /proc/sys/kernel/random/boot_id)"
echo "running $(uname -r)"
for file in /boot/vmlinuz-*; do
  case $file in *-\\* | *rescue* | *.old | *.hmac) continue ;; esac
  echo "installed \${file#/boot/vmlinuz-}"
done
for file in /run/reboot-required /var/run/reboot-required; do
  [ -e "$file" ] || continue
  echo "asked $(sort -u "$file.pkgs" 2>/dev/null | tr '\\n' ' ')"
  break
done
echo "live $(cat /proc/cmdline)"
`;

// The answer must come back before the machine goes down: the reboot is left to somebody else.
const converge = `
if [ -d /run/systemd/system ]; then
  systemctl is-active --quiet skerry-reboot.timer && exit 0
  systemd-run --quiet --collect --unit=skerry-reboot --on-active=1 --timer-property=AccuracySec=100ms systemctl reboot
else
  command -v reboot >/dev/null || { echo 'neither systemd nor a command reboot is there' >&2; exit 1; }
  setsid sh -c 'sleep 1; exec reboot' </dev/null >/dev/null 2>&1 &
fi
`;

function reasons(desired: Desired, observed: Observed): string[] {
  const { asked, live, running, installed } = observed;
  const missing = desired.arguments.filter((argument) => !live.includes(argument));
  const newer = newerKernel(running, installed);
  return [
    ...(asked === undefined
      ? []
      : [`packages ask for it (${asked.join(', ') || '/run/reboot-required'})`]),
    ...(missing.length === 0
      ? []
      : [`the running kernel lacks the arguments ${missing.join(' ')}`]),
    ...(newer === undefined ? [] : [`kernel ${newer} is installed, ${running} is running`]),
  ];
}

/** A reboot, when something asks for it; the reasons are shown. */
export const rebootKind: StepKind<Desired, Observed> = {
  kind: 'reboot',
  schema,
  summary: ({ when }) => (when === 'never' ? 'no reboot' : 'a reboot when one is required'),
  probe: () => sh(probe),
  parse: ({ stdout }) => {
    const lines = probeLines(stdout);
    const split = (text: string): string[] => text.split(/\s+/).filter((part) => part !== '');
    const asked = lines.one('asked');
    return {
      bootId: required(lines, 'boot'),
      running: required(lines, 'running'),
      installed: lines.all('installed'),
      asked: asked === undefined ? undefined : split(asked),
      live: split(required(lines, 'live')),
    };
  },
  diff: (desired, observed) => {
    if (desired.when === 'never') return [];
    const why = reasons(desired, observed);
    return why.length === 0 ? [] : [{ subject: 'reboot', action: 'run', why: why.join('; ') }];
  },
  converge: () => sh(converge),
  afterConverge: 'reboot',
};

/** `reboot({ when: 'required', arguments: ['transparent_hugepage=madvise'] })` */
export function reboot(
  fields: { readonly when: 'required' | 'never'; readonly arguments?: readonly string[] } & Omit<
    StepOptions,
    'when'
  > = { when: 'required' },
): Step {
  const { when, ...rest } = fields;
  const { options, own } = splitOptions(rest);
  return { kind: rebootKind, name: '', desired: { when, ...own }, options };
}
