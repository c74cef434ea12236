import { sh, type Fragment } from '@skerry/steps';

/**
 * Handlers that were notified and have not run yet are files on the host, one each, written before
 * the change that notifies them and removed after the handler ran: whatever cuts a run off, the next
 * one finds them. The folder lives on disk and not under /run: a crash may be a crash of the host.
 */
const folder = `
folder=/var/lib/skerry/pending
[ "$(id -u)" = 0 ] || folder=\${HOME:?}/.local/state/skerry/pending
`;

const read = `${folder}for at in "$folder"/*; do [ -f "$at" ] && printf '%s\\n' "\${at##*/}"; done; :`;

const record = `${folder}mkdir -p "$folder" || exit 1
for id; do : >"$folder/$id" || exit 1; done
sync "$folder" 2>/dev/null || sync
`;

const clear = `${folder}rm -f -- "$folder/$1"`;

/** Prints the ids of pending handlers, one a line. */
export function readPending(): Fragment {
  return sh(read);
}

export function parsePending(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line !== '');
}

/** Records handlers as notified, durably. */
export function recordPending(ids: readonly string[]): Fragment {
  return sh(record, ...ids);
}

/** Forgets a handler that has run. */
export function clearPending(id: string): Fragment {
  return sh(clear, id);
}
