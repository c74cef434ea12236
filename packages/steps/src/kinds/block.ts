import { z } from 'zod';
import { absolutePath, accountName, fileMode } from '../absolute-path.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import {
  convergeBlock,
  diffBlock,
  parseBlock,
  probeBlock,
  type BlockObserved,
  type ManagedBlock,
} from '../managed-block.ts';
import { splitOptions } from '../step-options.ts';
import type { FilePermissions } from './file.ts';

const anchor = z
  .string()
  .min(1)
  .regex(/^[^\n]*$/, 'a regular expression for one line');

const schema = z.strictObject({
  path: absolutePath,
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/),
  content: z.string(),
  comment: z
    .string()
    .regex(/^[^\n]+$/)
    .default('#'),
  insert: z
    .union([
      z.literal('end'),
      z.strictObject({ before: anchor }),
      z.strictObject({ after: anchor }),
    ])
    .default('end'),
  create: z.boolean().default(false),
  sensitive: z.boolean().default(false),
  mode: fileMode.default('0644'),
  owner: accountName.default('root'),
  group: accountName.default('root'),
});
type Desired = z.infer<typeof schema>;

function managed(desired: Desired): ManagedBlock {
  const { name, comment, insert, content, ...rest } = desired;
  const place = insert === 'end' ? 'end' : 'before' in insert ? 'before' : 'after';
  return {
    ...rest,
    begin: `${comment} BEGIN Skerry ${name}`,
    end: `${comment} END Skerry ${name}`,
    content: content === '' || content.endsWith('\n') ? content : `${content}\n`,
    place,
    anchor: insert === 'end' ? '' : 'before' in insert ? insert.before : insert.after,
    orEnd: false,
  };
}

/** Lines between two markers in a file whose other lines are somebody else's and stay as they are. */
export const blockKind: StepKind<Desired, BlockObserved> = {
  kind: 'block',
  schema,
  summary: (desired) => `block ${desired.name} in ${desired.path}`,
  probe: (desired) => probeBlock(managed(desired)),
  parse: parseBlock,
  diff: (desired, observed) => diffBlock(managed(desired), observed),
  converge: (desired) => convergeBlock(managed(desired)),
};

export interface BlockOptions extends StepOptions, FilePermissions {
  /** Tells the blocks of a file apart; stands in the marker lines. */
  readonly name: string;
  readonly content: string;
  /** What begins a comment in this file; default `#`. */
  readonly comment?: string;
  /** Where a new block goes; a block that is there stays there. Default `end`. */
  readonly insert?: 'end' | { readonly before: string } | { readonly after: string };
  /** Make the file (with mode, owner and group) where it does not exist; default false. */
  readonly create?: boolean;
  /** Never show the content, only that it differs. */
  readonly sensitive?: boolean;
}

/** `block('/etc/fstab', { name: 'data', content: 'LABEL=data /data ext4 noatime 0 2\n' })` */
export function block(path: string, given: BlockOptions): Step {
  const { options, own } = splitOptions(given);
  return { kind: blockKind, name: `${path} ${given.name}`, desired: { path, ...own }, options };
}
