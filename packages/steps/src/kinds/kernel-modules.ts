import { z } from 'zod';
import { writeFile } from '../write-file.ts';
import type { Change } from '../change.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { splitOptions } from '../step-options.ts';
import { textDiff } from '../text-diff.ts';

const schema = z.strictObject({
  /** The file under /etc/modules-load.d, without `.conf`; set by the factory. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** As modprobe takes them; `-` and `_` mean the same. */
  modules: z.array(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/)).min(1),
});
type Desired = z.infer<typeof schema>;

type ModuleState =
  | { readonly state: 'builtin' | 'loaded' | 'available' }
  /** The kernel cannot have it: `why` is what modprobe says. */
  | { readonly state: 'missing' | 'disabled'; readonly why: string };

interface Observed {
  /** `uname -r` */
  readonly kernel: string;
  readonly modules: Readonly<Record<string, ModuleState>>;
  /** undefined where the file does not exist. */
  readonly file: string | undefined;
}

const path = (desired: Desired): string => `/etc/modules-load.d/${desired.name}.conf`;

const fileText = (desired: Desired): string =>
  `# Managed by Skerry: kernelModules ${desired.name}\n${desired.modules.join('\n')}\n`;

// /sys/module has what is loaded, and of what is built in only modules that have parameters.
const probe = `
file=$1; shift
release=$(uname -r)
builtin=/lib/modules/$release/modules.builtin
printf '%s\\n' "$release"
for name; do
  under=$(printf %s "$name" | tr - _)
  if [ -e "/sys/module/$under/initstate" ]; then
    echo "$name loaded"
  elif [ -d "/sys/module/$under" ] || { [ -r "$builtin" ] && tr - _ <"$builtin" | grep -q "/$under\\.ko"; }; then
    echo "$name builtin"
  elif [ ! -d "/lib/modules/$release" ]; then
    echo "$name missing there is no /lib/modules/$release"
  elif ! command -v modprobe >/dev/null; then
    echo "modprobe is missing: install the package kmod" >&2
    exit 1
  elif said=$(modprobe -n -v "$name" 2>&1); then
    case $said in
      *'install /bin/false'* | *'install /bin/true'* | *'install /usr/bin/false'* | *'install /usr/bin/true'*)
        echo "$name disabled $said" | head -n 1 ;;
      *) echo "$name available" ;;
    esac
  else
    echo "$name missing $said" | head -n 1
  fi
done
if [ -e "$file" ]; then echo '--'; cat "$file"; fi
`;

const converge = `${writeFile}
file=$1 text=$2; shift 2
write_file "$file" 0644 "$text"
release=$(uname -r)
builtin=/lib/modules/$release/modules.builtin
status=0
for name; do
  under=$(printf %s "$name" | tr - _)
  [ -d "/sys/module/$under" ] && continue
  if [ -r "$builtin" ] && tr - _ <"$builtin" | grep -q "/$under\\.ko"; then continue; fi
  modprobe "$name" || status=1
done
exit $status
`;

function refusal(kernel: string, name: string, found: ModuleState): Change | undefined {
  if (found.state === 'missing') {
    return {
      subject: `${name} (live)`,
      action: 'refuse',
      why: `kernel ${kernel} has no such module: ${found.why}`,
      fix: found.why.startsWith('there is no /lib/modules')
        ? 'the running kernel is not the installed one: reboot, or install the modules of the running kernel'
        : 'install the package with the extra modules of this kernel, or take the module out of the list',
    };
  }
  if (found.state === 'disabled') {
    return {
      subject: `${name} (live)`,
      action: 'refuse',
      why: `modprobe is told not to load it: ${found.why}`,
      fix: `remove the line "install ${name} …" from /etc/modprobe.d, and run depmod`,
    };
  }
  return undefined;
}

/** Kernel modules, loaded now and at boot (/etc/modules-load.d). What is built in counts as loaded. */
export const kernelModulesKind: StepKind<Desired, Observed> = {
  kind: 'kernelModules',
  schema,
  summary: (desired) => `modules ${desired.modules.join(', ')}`,
  probe: (desired) => sh(probe, path(desired), ...desired.modules),
  parse: ({ stdout }) => {
    const split = stdout.match(/^--\n/m)?.index;
    const [kernel = '', ...lines] = stdout.slice(0, split).split('\n');
    const modules: Record<string, ModuleState> = {};
    for (const line of lines) {
      const [, name, state, why] = /^(\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
      if (name === undefined) continue;
      if (state === 'builtin' || state === 'loaded' || state === 'available') {
        modules[name] = { state };
      } else if (state === 'missing' || state === 'disabled') {
        modules[name] = { state, why: why ?? '' };
      } else throw new Error(`unknown state of a kernel module: ${line}`);
    }
    return { kernel, modules, file: split === undefined ? undefined : stdout.slice(split + 3) };
  },
  diff: (desired, { kernel, modules, file }) => {
    const changes: Change[] = [];
    for (const name of desired.modules) {
      const found = modules[name];
      if (found === undefined) throw new Error(`the probe said nothing of module ${name}`);
      const refused = refusal(kernel, name, found);
      if (refused !== undefined) changes.push(refused);
      else if (found.state === 'available') {
        changes.push({ subject: `${name} (live)`, action: 'create', after: 'loaded' });
      }
    }
    const diff = textDiff(file, fileText(desired));
    if (diff !== '') {
      changes.push({
        subject: path(desired),
        action: file === undefined ? 'create' : 'update',
        diff,
      });
    }
    return changes;
  },
  converge: (desired) => sh(converge, path(desired), fileText(desired), ...desired.modules),
};

/** `kernelModules('kubernetes', { modules: ['overlay', 'br_netfilter'] })` */
export function kernelModules(
  name: string,
  fields: { readonly modules: readonly string[] } & StepOptions,
): Step {
  const { options, own } = splitOptions(fields);
  return { kind: kernelModulesKind, name, desired: { name, ...own }, options };
}
