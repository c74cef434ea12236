import { z } from 'zod';
import { absolutePath } from '../absolute-path.ts';
import { sh } from '../fragment.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import { splitOptions } from '../step-options.ts';

const schema = z
  .strictObject({
    name: z.string().min(1),
    /** sh that reads its values as "$1", "$2", …; its last status counts. */
    run: z.string().min(1),
    args: z.array(z.string()).default([]),
    /** Nothing to do where this path exists. */
    creates: absolutePath.optional(),
    /** Nothing to do where this sh, which must change nothing, exits 0; it is given `args` too. */
    unless: z.string().min(1).optional(),
    cwd: absolutePath.optional(),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
    /** Seconds. */
    deadline: z.number().positive().default(600),
  })
  .refine(({ creates, unless }) => creates !== undefined || unless !== undefined, {
    message: 'say when there is nothing to do: `creates` (a path) or `unless` (a command)',
  });
type Desired = z.infer<typeof schema>;

interface Observed {
  readonly done: boolean;
}

/** Exports the variables that "$2" counts, and leaves the values of the command as "$1", "$2", …. */
const setUp = `
cwd=$1 count=$2; shift 2
while [ "$count" -gt 0 ]; do export "$1"; shift; count=$((count - 1)); done`;

const probe = `
creates=$1 unless=$2; shift 2
${setUp}
if [ -n "$creates" ] && { [ -e "$creates" ] || [ -L "$creates" ]; }; then echo 'done'; exit; fi
if [ -n "$unless" ] && cd "\${cwd:-/}" 2>/dev/null && (eval "$unless") >/dev/null; then echo 'done'; exit; fi
echo needed`;

const converge = `
run=$1; shift
${setUp}
cd "\${cwd:-/}" || exit
eval "$run"`;

function environment({ env, cwd = '' }: Desired): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [cwd, String(variables.length), ...variables];
}

function oneLine(code: string): string {
  const line = code.trim().replaceAll(/\s*\n\s*/g, '; ');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

/** A command of the user's own, for what no other kind does. */
export const commandKind: StepKind<Desired, Observed> = {
  kind: 'command',
  schema,
  summary: (desired) => oneLine(desired.run),
  opaque: () => 'what a command does is known only when it runs',
  deadline: ({ deadline }) => deadline,
  probe: (desired) =>
    sh(
      probe,
      desired.creates ?? '',
      desired.unless ?? '',
      ...environment(desired),
      ...desired.args,
    ),
  parse: ({ stdout }) => {
    if (stdout !== 'done\n' && stdout !== 'needed\n') {
      throw new Error(`the probe printed neither "done" nor "needed": ${stdout.slice(0, 200)}`);
    }
    return { done: stdout === 'done\n' };
  },
  diff: (desired, { done }) => {
    if (done) return [];
    const { creates } = desired;
    const why = creates === undefined ? '`unless` does not hold' : `${creates} does not exist`;
    return [{ subject: desired.name, action: 'run', after: oneLine(desired.run), why }];
  },
  converge: (desired) => sh(converge, desired.run, ...environment(desired), ...desired.args),
};

export interface CommandOptions extends StepOptions {
  /** sh that reads its values as "$1", "$2", …; its last status counts. */
  readonly run: string;
  readonly args?: readonly string[];
  /** Nothing to do where this path exists. */
  readonly creates?: string;
  /** Nothing to do where this sh, which must change nothing, exits 0; it is given `args` too. */
  readonly unless?: string;
  /** Where it runs; default `/`. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds that it may take; default 600. */
  readonly deadline?: number;
}

/** `command('seed the disk', { run: 'mkfs.tool "$1"', args: ['/dev/x'], creates: '/var/lib/x' })` */
export function command(name: string, given: CommandOptions): Step {
  const { options, own } = splitOptions(given);
  return { kind: commandKind, name, desired: { name, ...own }, options };
}
