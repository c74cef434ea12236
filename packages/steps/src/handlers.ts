import type { Handler } from './kind.ts';
import { sh } from './fragment.ts';

// To read all units again costs a second where there are many, and most restarts are for a configuration
// that systemd does not read.
const readChanged = `[ "$(systemctl show --property=NeedDaemonReload --value -- "$1")" = no ] || systemctl daemon-reload || exit 1
`;

/** `systemctl restart UNIT` (after a daemon-reload where its unit file changed, so that this counts). */
export function restart(unit: string): Handler {
  return {
    id: `restart ${unit}`,
    fragment: sh(`${readChanged}systemctl restart "$1"`, unit),
  };
}

/** `systemctl reload-or-restart UNIT`. */
export function reload(unit: string): Handler {
  return {
    id: `reload ${unit}`,
    fragment: sh(`${readChanged}systemctl reload-or-restart "$1"`, unit),
  };
}

/** A handler of the user's own: `code` is POSIX sh that reads its values as "$1", "$2", … */
export function handler(id: string, code: string, ...args: readonly string[]): Handler {
  return { id, fragment: sh(code, ...args) };
}
