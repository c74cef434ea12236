import { hostname, userInfo } from 'node:os';
import type { Part } from '@skerry/executor';

/** The status of `takeLock` when somebody else holds the lock (EX_TEMPFAIL of sysexits.h). */
export const lockedStatus = 75;

/** Who holds a lock, for others to read: `anna@desk, process 4711, since 2026-11-22T09:00:00Z`. */
export function lockOwner(): string {
  const since = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return `${userInfo().username}@${hostname()}, process ${process.pid}, since ${since}`;
}

/**
 * Takes the host's lock in the shell itself, on file descriptor 9, which the shell keeps until it
 * ends: so the lock dies with the connection, and a reboot leaves none behind (/run). Prints the
 * owner when somebody else holds it. A login user that is not root has a lock of its own, in its home:
 * in /tmp anybody could have put a link in its place. The parts after it in a script are not run then.
 */
export function takeLock(owner: string): Part {
  return {
    code: `
if ! command -v flock >/dev/null 2>&1; then echo 'flock (util-linux) is missing' >&2; return 69; fi
folder=/run/skerry
if [ "$(id -u)" = 0 ]; then
  [ -d "$folder" ] || { mkdir -p "$folder" && chmod 0755 "$folder"; } || return 1
else
  [ -n "\${HOME:-}" ] || { echo 'HOME is not set' >&2; return 1; }
  folder=$HOME/.local/state/skerry
  [ -d "$folder" ] || mkdir -p "$folder" || return 1
fi
command exec 9>>"$folder/lock" || return 1
if flock -n 9; then
  printf '%s\\n' "$1" >"$folder/owner"
else
  cat "$folder/owner" 2>/dev/null
  exec 9>&-
  return ${lockedStatus}
fi
`,
    args: [owner],
    inShell: true,
    required: true,
  };
}
