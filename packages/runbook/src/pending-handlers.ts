import { sh, type Fragment } from '@skerry/steps';

/**
 * Handlers that were notified and have not run yet are files on the host, one each, written before
 * the change that notifies them and removed after the handler ran: whatever cuts a run off, the next
 * one finds them. The name of a file is the id with what no file name can hold written as %XX. Plays
 * that run as the login user keep theirs in its home. The folder lives on disk and not under /run: a crash may be a crash of the host.
 */
const folder = `
folder=/var/lib/skerry/pending
[ "$(id -u)" = 0 ] || folder=\${HOME:?}/.local/state/skerry/pending
`;

const read = `${folder}printf '%s\\n' "$folder"
for at in "$folder"/*; do [ -f "$at" ] && printf '%s\\n' "\${at##*/}"; done; :`;

const record = `${folder}mkdir -p "$folder" || exit 1
for id; do : >"$folder/$id" || exit 1; done
sync "$folder" 2>/dev/null || sync
`;

const clear = `${folder}rm -f -- "$folder/$1"`;

/** Prints the folder and the names of pending handlers, one a line. */
export function readPending(): Fragment {
  return sh(read);
}

/** The folder, and the ids of the handlers in it. */
export function parsePending(stdout: string): { folder: string; ids: string[] } {
  const [at = '', ...names] = stdout.split('\n').filter((line) => line !== '');
  return { folder: at, ids: names.map(idOf) };
}

/** Letters, digits and ` ._@-`, which most ids are made of, stand for themselves. */
function nameOf(id: string): string {
  return encodeURIComponent(id.toWellFormed())
    .replaceAll('%20', ' ')
    .replaceAll('%40', '@')
    .replace(/^\./, '%2E');
}

function idOf(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Records handlers as notified, durably. */
export function recordPending(ids: readonly string[]): Fragment {
  return sh(record, ...ids.map(nameOf));
}

/** Forgets a handler that has run. */
export function clearPending(id: string): Fragment {
  return sh(clear, nameOf(id));
}
