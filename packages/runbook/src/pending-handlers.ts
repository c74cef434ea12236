import { createHash } from 'node:crypto';
import { sh, type Fragment, type Handler } from '@skerry/steps';

/**
 * Handlers that were notified and have not run yet are files on the host, one for each id, written
 * before the change that notifies them and removed after the handler ran: whatever cuts a run off,
 * the next one finds them. The name of a file is the id with what no file name can hold written as
 * %XX; its lines say whose handler it is: a digest of what it does and the runbook's name. A file
 * without lines is of an older version. Plays that run as the login user keep theirs in its home. The
 * folder lives on disk and not under /run: a crash may be a crash of the host.
 */
const folder = `
folder=/var/lib/skerry/pending
[ "$(id -u)" = 0 ] || folder=\${HOME:?}/.local/state/skerry/pending
`;

const read = `${folder}printf '%s\\n' "$folder"
for at in "$folder"/*; do
  [ -f "$at" ] || continue
  printf 'handler %s\\n' "\${at##*/}"
  while read -r line || [ -n "$line" ]; do printf 'of %s\\n' "$line"; done <"$at"
done; :`;

const record = `${folder}mkdir -p "$folder" || exit 1
while [ $# -gt 0 ]; do
  grep -qxF -e "$2" "$folder/$1" 2>/dev/null || printf '%s\\n' "$2" >>"$folder/$1" || exit 1
  shift 2
done
sync "$folder" 2>/dev/null || sync
`;

const clear = `${folder}at=$folder/$1
[ -f "$at" ] || exit 0
kept=
while read -r digest runbook; do
  if [ -z "$runbook" ] || [ "$digest" = "$2" ] || [ "$runbook" = "$3" ]; then continue; fi
  kept="$kept$digest $runbook
"
done <"$at"
if [ -z "$kept" ]; then rm -f -- "$at"; exit; fi
printf %s "$kept" >"$folder/.kept" && mv -f -- "$folder/.kept" "$at"`;

/** A handler that an earlier run left. */
export interface PendingHandler {
  readonly id: string;
  /** Of another runbook than this one: its name, and the digest of what its handler does. */
  readonly other?: { readonly runbook: string; readonly digest: string };
}

/** Prints the folder, the names of pending handlers and whose they are, one a line. */
export function readPending(): Fragment {
  return sh(read);
}

/** The folder, and the handlers in it, as `runbook` sees them: one entry for each that left it. */
export function parsePending(
  stdout: string,
  runbook: string | undefined,
): { folder: string; handlers: PendingHandler[] } {
  const [at = '', ...lines] = stdout.split('\n').filter((line) => line !== '');
  const found: { id: string; owners: { runbook: string; digest: string }[] }[] = [];
  for (const line of lines) {
    const of = /^of (\S+) (\S+)$/.exec(line);
    if (line.startsWith('handler ')) found.push({ id: decoded(line.slice(8)), owners: [] });
    else if (of !== null) {
      found.at(-1)?.owners.push({ digest: of[1] ?? '', runbook: decoded(of[2] ?? '') });
    }
  }
  const handlers = found.flatMap(({ id, owners }): PendingHandler[] =>
    owners.length === 0
      ? [{ id }]
      : owners.map((other) => (other.runbook === runbook ? { id } : { id, other })),
  );
  return { folder: at, handlers };
}

/**
 * Whether a handler of this runbook is the one that was left: another runbook may call one that does
 * something else by the same id.
 */
export function isLeft(left: PendingHandler, handler: Handler): boolean {
  if (left.id !== handler.id) return false;
  return left.other === undefined || left.other.digest === digestOf(handler);
}

/** Letters, digits and ` ._@-`, which most ids are made of, stand for themselves. */
function nameOf(id: string): string {
  return encodeURIComponent(id.toWellFormed())
    .replaceAll('%20', ' ')
    .replaceAll('%40', '@')
    .replace(/^\./, '%2E');
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Hex SHA-256 of the script and its arguments, with tokens in place of secrets. */
function digestOf({ fragment }: Handler): string {
  return createHash('sha256').update(JSON.stringify(fragment)).digest('hex');
}

const encoded = (runbook: string): string => encodeURIComponent(runbook.toWellFormed()) || '%';

/** Records handlers as notified, durably. */
export function recordPending(runbook: string, handlers: readonly Handler[]): Fragment {
  return sh(
    record,
    ...handlers.flatMap((handler) => [
      nameOf(handler.id),
      `${digestOf(handler)} ${encoded(runbook)}`,
    ]),
  );
}

/** Forgets a handler that has run. */
export function clearPending(runbook: string, handler: Handler): Fragment {
  return sh(clear, nameOf(handler.id), digestOf(handler), encoded(runbook));
}
