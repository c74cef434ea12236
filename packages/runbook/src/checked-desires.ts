interface Checked {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly desired: unknown;
}

/**
 * Remembers, by step id, the last desired state that was checked. Most hosts of a fleet want the same
 * as the host before them, some of it as large as the fleet (every name in /etc/hosts): that is
 * checked, kept and compared once and not once for each host. What may have been changed in between
 * is checked again: only primitive values and frozen objects are known to be the same.
 */
export class CheckedDesires {
  readonly #last = new Map<string, Checked>();

  /** What was made of a state whose fields are these very values; else `check` is asked. */
  of(id: string, raw: unknown, check: () => unknown): unknown {
    if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return check();
    const fields = raw as Readonly<Record<string, unknown>>;
    const last = this.#last.get(id);
    if (last !== undefined && sameFields(last.raw, fields)) return last.desired;
    const desired = check();
    this.#last.set(id, { raw: fields, desired });
    return desired;
  }
}

function sameFields(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) => Object.hasOwn(b, name) && Object.is(a[name], b[name]) && Object.isFrozen(a[name]),
    )
  );
}
