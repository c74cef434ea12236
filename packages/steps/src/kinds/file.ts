import { z } from 'zod';
import { absolutePath, accountName, fileMode } from '../absolute-path.ts';
import { atomicFile } from '../atomic-file.ts';
import type { Change } from '../change.ts';
import { contentChange, contentDiff, type ContentState } from '../content-diff.ts';
import { sh, type PlainArg } from '../fragment.ts';
import type { FileContent, Step, StepKind, StepOptions } from '../kind.ts';
import {
  parsePathState,
  permissionChanges,
  permissionsText,
  typeName,
  type PathState,
} from '../path-state.ts';
import { probePath } from '../path-probe.ts';
import { splitOptions } from '../step-options.ts';

const fileSchema = z.strictObject({
  path: absolutePath,
  /** Text, written as UTF-8 byte for byte, or any bytes as base64. */
  content: z.union([z.string(), z.strictObject({ base64: z.base64() })]),
  mode: fileMode.default('0644'),
  owner: accountName.default('root'),
  group: accountName.default('root'),
  /** sh that is given the new file as "$1" before it takes the old one's place: `sshd -t -f "$1"`. */
  validate: z.string().default(''),
  /** Never show the content, only that it differs. */
  sensitive: z.boolean().default(false),
});
export type FileDesired = z.infer<typeof fileSchema>;

export interface FileObserved {
  readonly state: PathState;
  /** Where a symbolic link points; only where there is one. */
  readonly target?: string;
  /** Only where there is a regular file. */
  readonly content?: ContentState;
  /** Of a content that differs and is not shown: whoever watches it must see that it changes. */
  readonly sha256?: string;
}

const converge = `
export LC_ALL=C
${atomicFile}
validate=$5
stage "$1"
case $6 in
  text) printf %s "$7" | cat >"$temp" ;;
  base64) printf %s "$7" | base64 -d >"$temp" ;;
esac || fail "$1: the content cannot be written"
if [ -n "$validate" ]; then
  (set -- "$temp"; eval "$validate") >&2 || fail "$1 is left as it was: the new content is not valid ($validate)"
fi
place "$1" "$2" "$3" "$4"`;

/** sh cannot hold a NUL in a value. */
function sent(content: FileContent): { readonly how: 'text' | 'base64'; readonly value: string } {
  if (typeof content !== 'string') return { how: 'base64', value: content.base64 };
  if (!content.includes('\0')) return { how: 'text', value: content };
  return { how: 'base64', value: Buffer.from(content, 'utf8').toString('base64') };
}

function hash(content: FileContent): PlainArg {
  const { how, value } = sent(content);
  return how === 'text' ? { sha256Of: value } : { sha256OfBase64: value };
}

const isShown = (desired: FileDesired): boolean =>
  !desired.sensitive && sent(desired.content).how === 'text';

function parseContent(rest: string, utf8: boolean): Pick<FileObserved, 'content' | 'sha256'> {
  const end = rest.indexOf('\n');
  const [word, sha256] = rest.slice(0, end).split(' ');
  if (word === 'same') return { content: word };
  if (sha256 === undefined) throw new Error(`the probe printed "${word}" about the content`);
  if (word === 'differs' || word === 'large') return { content: word, sha256 };
  if (word !== 'content') throw new Error(`the probe printed "${word}" about the content`);
  const text = rest.slice(end + 1);
  return utf8 && !text.includes('\0') ? { content: { text } } : { content: 'large', sha256 };
}

function diffFile(desired: FileDesired, { state, target, content }: FileObserved): Change[] {
  const { path } = desired;
  const shown =
    isShown(desired) && typeof desired.content === 'string' ? desired.content : undefined;
  const after = `a file, ${permissionsText(desired)}`;
  switch (state.type) {
    case 'absent':
    case 'symlink': {
      const diff = shown === undefined ? '' : contentDiff(undefined, shown);
      const whole = { subject: path, after, ...(diff === '' ? {} : { diff }) };
      return state.type === 'absent'
        ? [{ ...whole, action: 'create' }]
        : [{ ...whole, action: 'update', before: `a symlink to ${target ?? '?'}` }];
    }
    case 'file': {
      const because = desired.sensitive ? 'sensitive' : 'no text';
      const change = contentChange(path, content ?? 'differs', shown, because);
      const permissions = permissionChanges(path, desired, state);
      return change === undefined ? permissions : [change, ...permissions];
    }
    case 'directory':
    case 'other':
      return [
        {
          subject: path,
          action: 'refuse',
          why: `there is ${typeName(state.type)} where the file should be`,
          fix: 'move it away by hand, or remove it with an absent() step',
        },
      ];
  }
}

/** A regular file with its content, mode and owner. A symbolic link at its path is replaced. */
export const fileKind: StepKind<FileDesired, FileObserved> = {
  kind: 'file',
  schema: fileSchema,
  summary: (desired) => `file ${desired.path}, ${permissionsText(desired)}`,
  probe: (desired) =>
    probePath(desired.path, {
      how: isShown(desired) ? 'show' : 'hide',
      hash: hash(desired.content),
    }),
  parse: ({ stdout, utf8 }) => {
    const { state, rest } = parsePathState(stdout);
    if (state.type === 'symlink') return { state, target: rest.replace(/\n$/, '') };
    return state.type === 'file' ? { state, ...parseContent(rest, utf8) } : { state };
  },
  diff: diffFile,
  converge: ({ path, content, mode, owner, group, validate }) => {
    const { how, value } = sent(content);
    return sh(converge, path, mode, owner, group, validate, how, value);
  },
};

export interface FilePermissions {
  /** Octal digits; default `0644`. */
  readonly mode?: string;
  /** Name or number; default `root`. */
  readonly owner?: string | number;
  /** Name or number; default `root`. */
  readonly group?: string | number;
}

export interface FileChecks {
  /** sh that is given the new file as "$1" before it takes the old one's place: `sshd -t -f "$1"`. */
  readonly validate?: string;
  /** Never show the content, only that it differs. */
  readonly sensitive?: boolean;
}

export type FileOptions = StepOptions &
  FilePermissions &
  FileChecks &
  ({ readonly content: FileContent } | { readonly source: string });

/** `file('/etc/motd', { content: 'Hello\n' })`, or `{ source: 'motd' }` from beside the runbooks. */
export function file(path: string, given: FileOptions): Step {
  const { options, own } = splitOptions(given);
  if (!('source' in own)) return { kind: fileKind, name: path, desired: { path, ...own }, options };
  const { source, ...rest } = own as FilePermissions & FileChecks & { source: string };
  return {
    kind: fileKind,
    name: path,
    desired: { path, ...own },
    resolve: (context) => ({ path, content: context.source(source), ...rest }),
    options,
  };
}
