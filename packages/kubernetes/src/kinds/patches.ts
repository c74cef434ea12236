import { patchTargets } from '@skerry/inventory';
import { sh, type Step, type StepKind, type StepOptions } from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  folder: z.string().regex(/^\//),
  /** Names of files that stay: `etcd0+json.json`. */
  kept: z.array(z.string()),
});
type Desired = z.infer<typeof schema>;

/** Names of files of patches that nobody wants. */
type Observed = readonly string[];

/** What kubeadm patches by the inventory, and what it could once: the names of their files begin so. */
const targets = [...patchTargets, 'kubeletconfiguration', 'kubeproxydaemonset'];

// Names with a newline are none of ours. kubeadm reads no folders.
const find = `
nl='
'
unwanted() {
  for file in ${targets.map((target) => `${target}*.json`).join(' ')}; do
    case $file in *"$nl"*) continue ;; esac
    [ -f "$file" ] || [ -L "$file" ] || continue
    for kept; do
      if [ "$file" = "$kept" ]; then continue 2; fi
    done
    printf '%s\\n' "$file"
  done
}
folder=$1; shift`;

const probe = `${find}
if [ -d "$folder" ]; then
  cd "$folder" || exit 1
  unwanted "$@"
fi
echo end
`;

const converge = `${find}
[ -d "$folder" ] || exit 0
cd "$folder" || exit 1
unwanted "$@" | while IFS= read -r file; do rm -f -- "$file" || exit 1; done || {
  echo "not all patches in $folder could be removed" >&2
  exit 1
}
`;

/**
 * No patch for kubeadm but those that are wanted: it applies whatever lies in its folder. Only JSON
 * files go, as we write them, by the names that kubeadm takes for patches.
 */
export const patchesKind: StepKind<Desired, Observed> = {
  kind: 'patches',
  schema,
  summary: ({ folder, kept }) =>
    kept.length === 0
      ? `no patch of kubeadm in ${folder}`
      : `no patch of kubeadm in ${folder} but ${kept.join(', ')}`,
  probe: ({ folder, kept }) => sh(probe, folder, ...kept),
  parse: ({ stdout }) => {
    const lines = stdout.trimEnd().split('\n');
    if (lines.pop() !== 'end') throw new Error('the answer is cut off');
    return lines;
  },
  diff: ({ folder }, unwanted) =>
    unwanted.map((name) => ({
      subject: `${folder}/${name}`,
      action: 'delete',
      why: 'the inventory has no such patch, and kubeadm would apply it',
    })),
  converge: ({ folder, kept }) => sh(converge, folder, ...kept),
};

/** Made by `patchSteps`. */
export function patches(desired: z.input<typeof schema>, options: StepOptions = {}): Step {
  return { kind: patchesKind, name: '', desired, options };
}
