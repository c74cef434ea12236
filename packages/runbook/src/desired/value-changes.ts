import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { textDiff, type Change } from '@skerry/steps';

type Fields = Readonly<Record<string, unknown>>;

/** A text that long, or of several lines, is shown as a diff. */
const longText = 60;

/**
 * The differences between two desired states of one step as changes: `values.net.core.somaxconn:
 * 1024 → 32768`, texts and lists as a diff. `undefined` stands for a step that is not there.
 */
export function valueChanges(before: unknown, after: unknown): Change[] {
  if (isHidden(before) || isHidden(after)) {
    const shown = [...compare('', withoutContent(before), withoutContent(after))];
    if (isDeepStrictEqual(contentOf(before), contentOf(after))) return shown;
    return [...shown, { subject: 'content', action: 'update', why: 'not shown: sensitive' }];
  }
  return [...compare('', before, after)];
}

function* compare(path: string, before: unknown, after: unknown): Generator<Change> {
  if (isBlob(before) || isBlob(after)) {
    if (!isDeepStrictEqual(before, after)) yield blobChange(path, before, after);
    return;
  }
  if (isFields(before) && isFields(after)) {
    if (before === after) return;
    for (const key of Object.keys(before)) {
      if (before[key] !== after[key]) yield* compare(below(path, key), before[key], after[key]);
    }
    for (const key of Object.keys(after)) {
      if (!Object.hasOwn(before, key)) yield* compare(below(path, key), undefined, after[key]);
    }
    return;
  }
  if (isDeepStrictEqual(before, after)) return;
  const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  const subject = path === '' ? 'value' : path;
  const [was, is] = [shown(before), shown(after)];
  if (was.long || is.long) {
    const diff = textDiff(was.lines, is.lines);
    // Equal as lines: `1` and `"1"`, or one item of two lines and two items.
    if (diff !== '') {
      yield { subject, action, diff };
      return;
    }
  }
  yield {
    subject,
    action,
    ...(before === undefined ? {} : { before: json(before) }),
    ...(after === undefined ? {} : { after: json(after) }),
  };
}

/** Bytes that are no text, or a text that nobody reads line by line. */
function isBlob(value: unknown): boolean {
  if (typeof value === 'string') return value.length > 1024 * 1024;
  return isFields(value) && typeof value['base64'] === 'string' && Object.keys(value).length === 1;
}

function blobChange(path: string, before: unknown, after: unknown): Change {
  const told = (value: unknown): string => {
    const bytes =
      isFields(value) && typeof value['base64'] === 'string'
        ? Buffer.from(value['base64'], 'base64')
        : Buffer.from(plain(value));
    const digest = createHash('sha256').update(bytes).digest('hex');
    return `${bytes.length} bytes, sha256:${digest.slice(0, 16)}…`;
  };
  return {
    subject: path === '' ? 'value' : path,
    action: before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
    ...(before === undefined ? {} : { before: told(before) }),
    ...(after === undefined ? {} : { after: told(after) }),
  };
}

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** As lines: a text as it is, a list one item a line, a map one entry a line. */
function shown(value: unknown): { readonly long: boolean; readonly lines: string | undefined } {
  if (value === undefined) return { long: false, lines: undefined };
  if (typeof value === 'string') {
    return { long: value.includes('\n') || value.length > longText, lines: value };
  }
  if (isFields(value)) {
    const lines = Object.entries(value).map(([key, entry]) => `${key}: ${plain(entry)}\n`);
    return { long: lines.length > 1, lines: lines.join('') };
  }
  if (Array.isArray(value)) {
    const lines = value.map((item: unknown) => `${plain(item)}\n`);
    return { long: lines.join('').length > longText, lines: lines.join('') };
  }
  return { long: false, lines: `${json(value)}\n` };
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : json(value));

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const json = (value: unknown): string => JSON.stringify(value) ?? '';

/** A file whose content must never be shown. */
function isHidden(value: unknown): value is Fields {
  return isFields(value) && value['sensitive'] === true;
}

function withoutContent(value: unknown): unknown {
  if (!isFields(value)) return value;
  const { content: _content, ...rest } = value;
  return rest;
}

const contentOf = (value: unknown): unknown => (isFields(value) ? value['content'] : undefined);
