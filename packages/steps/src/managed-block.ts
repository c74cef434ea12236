import { atomicFile } from './atomic-file.ts';
import type { Change } from './change.ts';
import { contentDiff } from './content-diff.ts';
import { sh, type Fragment } from './fragment.ts';
import type { ProbeOutput } from './kind.ts';
import {
  parsePathState,
  permissionsText,
  stateFunction,
  typeName,
  type PathState,
} from './path-state.ts';

/** Lines in a file that belong to Skerry, between two marker lines; the rest is somebody else's. */
export interface ManagedBlock {
  readonly path: string;
  readonly begin: string;
  readonly end: string;
  /** Whole lines: ends with a line break, or is ''. */
  readonly content: string;
  /** Where a new block goes: at the end, or at the first line that matches an extended regex. */
  readonly place: 'end' | 'before' | 'after';
  readonly anchor: string;
  /** At the end where no line matches; otherwise that is refused. */
  readonly orEnd: boolean;
  readonly create: boolean;
  readonly sensitive: boolean;
  /** For a file that is made. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export interface BlockObserved {
  readonly state: PathState;
  /** Line numbers from 1: of the markers, or of the line that the anchor matches (0: of none). */
  readonly found?:
    | { readonly block: 'same' | 'damaged' }
    | { readonly block: 'differs'; readonly begin: number; readonly end: number }
    | { readonly block: 'none'; readonly anchor: number };
  /** undefined where it is not to be shown. */
  readonly text?: string;
  /** Of a block that differs and is not shown: whoever watches it must see that it changes. */
  readonly sha256?: string;
}

/**
 * `locate FILE BEGIN END ANCHOR` sets `$b` and `$e`, the lines of the markers, and, where there are
 * none, `$a`, the first line that matches. `$b` is `damaged` where the markers do not make one block.
 */
const locate = `
locate() {
  a='' newline='
'
  both=$(grep -nxF -e "$2" -e "$3" "$1"); [ $? -le 1 ] || exit 1
  b=\${both%%:*} e=\${both#*"$newline"}
  e=\${e%%:*}
  if [ -n "$both" ]; then
    [ "$both" = "$b:$2$newline$e:$3" ] || b=damaged
  elif [ -n "$4" ]; then
    a=$(grep -nE -m 1 -e "$4" "$1"); [ $? -le 1 ] || exit 1
    a=\${a%%:*}
  fi
}`;

const probe = `
export LC_ALL=C
${stateFunction}
${locate}
state "$1" || exit
[ "$type" = file ] || exit 0
locate "$1" "$2" "$3" "$4"
if [ "$b" = damaged ]; then echo damaged
elif [ -z "$b" ]; then echo "none \${a:-0}"
else
  sum=$(tail -n +"$((b + 1))" "$1" | head -n "$((e - b - 1))" | sha256sum) || exit
  if [ "\${sum%% *}" = "$5" ]; then echo same; else echo "differs $b $e \${sum%% *}"; fi
fi
[ "$6" = show ] || exit 0
[ "$(wc -c <"$1")" -le 1048576 ] || exit 0
echo content
cat "$1"`;

const converge = `
export LC_ALL=C
${atomicFile}
${locate}
path=$1 begin=$2 end=$3 anchor=$4 content=$5 at=$6 or_end=$7 create=$8 mode=$9; shift 9
owner=$1 group=$2
if [ -L "$path" ]; then fail "$path is a symlink: name the file that it points to"; fi
stage "$path"
if ! [ -e "$path" ]; then
  [ "$create" = yes ] || fail "$path does not exist"
  printf '%s\\n%s%s\\n' "$begin" "$content" "$end" | cat >"$temp" || fail "$path: the content cannot be written"
  place "$path" "$mode" "$owner" "$group"
  exit 0
fi
locate "$path" "$begin" "$end" "$anchor"
[ "$b" != damaged ] || fail "$path: the lines \\"$begin\\" and \\"$end\\" must stand there once each, in this order"
total=$(grep -c '' "$path")
if [ -n "$b" ]; then before=$((b - 1)) after=$((e + 1))
else
  if [ "$at" = end ] || { [ -z "$a" ] && [ "$or_end" = yes ]; }; then before=$total
  elif [ -z "$a" ]; then fail "$path: no line matches $anchor"
  elif [ "$at" = before ]; then before=$((a - 1))
  else before=$a
  fi
  after=$((before + 1))
fi
{
  head -n "$before" "$path" &&
  if [ "$before" -gt 0 ] && [ "$before" -eq "$total" ] && [ "$(tail -c 1 "$path" | wc -l)" -eq 0 ]; then echo; fi &&
  printf '%s\\n%s%s\\n' "$begin" "$content" "$end" | cat &&
  tail -n +"$after" "$path"
} >"$temp" || fail "$path: the content cannot be written"
place "$path" "$(stat -c %a "$path")" "$(stat -c %u "$path")" "$(stat -c %g "$path")"`;

export function probeBlock(block: ManagedBlock): Fragment {
  const anchor = block.place === 'end' ? '' : block.anchor;
  const show = block.sensitive ? 'hide' : 'show';
  return sh(probe, block.path, block.begin, block.end, anchor, { sha256Of: block.content }, show);
}

export function convergeBlock(block: ManagedBlock): Fragment {
  return sh(
    converge,
    block.path,
    block.begin,
    block.end,
    block.place === 'end' ? '' : block.anchor,
    block.content,
    block.place,
    block.orEnd ? 'yes' : 'no',
    block.create ? 'yes' : 'no',
    block.mode,
    block.owner,
    block.group,
  );
}

export function parseBlock({ stdout, utf8 }: ProbeOutput): BlockObserved {
  const { state, rest } = parsePathState(stdout);
  if (state.type !== 'file') return { state };
  const end = rest.indexOf('\n');
  const [word, ...numbers] = rest.slice(0, end).split(' ');
  const [first = 0, second = 0] = numbers.map(Number);
  const after = rest.slice(end + 1);
  const text =
    utf8 && after.startsWith('content\n') ? { text: after.slice('content\n'.length) } : {};
  if (word === 'same' || word === 'damaged') return { state, found: { block: word }, ...text };
  if (word === 'none') return { state, found: { block: 'none', anchor: first }, ...text };
  if (word === 'differs') {
    const [, , sha256] = numbers;
    const unseen = 'text' in text || sha256 === undefined ? {} : { sha256 };
    return { state, found: { block: 'differs', begin: first, end: second }, ...text, ...unseen };
  }
  throw new Error(`the probe printed "${word}" about the block`);
}

/** The file with the block in it, as `convergeBlock` writes it; undefined where there is no place. */
export function textWithBlock(
  block: ManagedBlock,
  text: string,
  found: BlockObserved['found'],
): string | undefined {
  const lines = text.split(/(?<=\n)/);
  const whole = `${block.begin}\n${block.content}${block.end}\n`;
  if (found?.block === 'differs') {
    return [...lines.slice(0, found.begin - 1), whole, ...lines.slice(found.end)].join('');
  }
  if (found?.block !== 'none') return undefined;
  const atEnd = block.place === 'end' || (found.anchor === 0 && block.orEnd);
  if (!atEnd && found.anchor === 0) return undefined;
  const before = atEnd ? lines.length : block.place === 'before' ? found.anchor - 1 : found.anchor;
  const head = lines.slice(0, before).join('');
  const gap = head === '' || head.endsWith('\n') ? '' : '\n';
  return head + gap + whole + lines.slice(before).join('');
}

export function diffBlock(block: ManagedBlock, observed: BlockObserved): Change[] {
  const { path } = block;
  const { state, found, text } = observed;
  const refuse = (why: string, fix: string): Change[] => [
    { subject: path, action: 'refuse', why, fix },
  ];
  const shown = (before: string | undefined, after: string | undefined): { diff?: string } =>
    after === undefined || block.sensitive ? {} : { diff: contentDiff(before, after) };
  if (state.type === 'absent') {
    if (!block.create) {
      return refuse('the file does not exist', 'write { create: true } if the block may make it');
    }
    const whole = `${block.begin}\n${block.content}${block.end}\n`;
    const after = `a file, ${permissionsText(block)}`;
    return [{ subject: path, action: 'create', after, ...shown(undefined, whole) }];
  }
  if (state.type !== 'file') {
    return refuse(
      `there is ${typeName(state.type)} where the file should be`,
      state.type === 'symlink' ? 'name the file that it points to' : 'name a regular file',
    );
  }
  if (found === undefined || found.block === 'same') return [];
  if (found.block === 'damaged') {
    return refuse(
      `the lines "${block.begin}" and "${block.end}" do not stand there once each, in this order`,
      'repair or remove them by hand',
    );
  }
  if (found.block === 'none' && found.anchor === 0 && block.place !== 'end' && !block.orEnd) {
    return refuse(
      `no line matches ${block.anchor}`,
      'correct the regular expression, or insert the block at the end',
    );
  }
  const after = text === undefined ? undefined : textWithBlock(block, text, found);
  const subject = `${path} (${block.begin.replace(/^\W+/, '')})`;
  return [{ subject, action: found.block === 'none' ? 'create' : 'update', ...shown(text, after) }];
}
