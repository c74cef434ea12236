import type { Handler } from './kind.ts';
import { sh } from './fragment.ts';

/** `systemctl restart UNIT` (after a daemon-reload, so that a changed unit file counts). */
export function restart(unit: string): Handler {
  return {
    id: `restart ${unit}`,
    fragment: sh('systemctl daemon-reload && systemctl restart "$1"', unit),
  };
}

/** `systemctl reload-or-restart UNIT`. */
export function reload(unit: string): Handler {
  return {
    id: `reload ${unit}`,
    fragment: sh('systemctl daemon-reload && systemctl reload-or-restart "$1"', unit),
  };
}

/** A handler of the user's own: `code` is POSIX sh that reads its values as "$1", "$2", … */
export function handler(id: string, code: string, ...args: readonly string[]): Handler {
  return { id, fragment: sh(code, ...args) };
}
