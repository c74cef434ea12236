/**
 * One difference between desired and observed, as it is shown and as it stands in a saved plan.
 * `subject` names the thing (`net.ipv4.ip_forward (live)`, `/etc/fstab`); `before` and `after` are
 * short values; `diff` is a unified text diff where the thing is a text.
 * A change with action `refuse` is a rule that does not hold, or a guard: it is never applied; its
 * `why` and `fix` are shown and the host stops there.
 */
export interface Change {
  readonly subject: string;
  readonly action: 'create' | 'update' | 'delete' | 'run' | 'refuse';
  readonly before?: string;
  readonly after?: string;
  readonly diff?: string;
  readonly why?: string;
  readonly fix?: string;
}

/** A change in one line: `net.ipv4.ip_forward (live): 0 → 1`. */
export function summarizeChange(change: Change): string {
  const { subject, action, before, after } = change;
  switch (action) {
    case 'create':
      return after === undefined ? `${subject}: create` : `${subject}: ${after}`;
    case 'delete':
      return before === undefined ? `${subject}: delete` : `${subject}: delete (was ${before})`;
    case 'run':
      return after === undefined ? subject : `${subject}: ${after}`;
    case 'refuse':
      return `${subject}: refused${change.why === undefined ? '' : `, ${change.why}`}`;
    case 'update':
      if (before === undefined && after === undefined) return `${subject}: update`;
      return `${subject}: ${before ?? '(none)'} → ${after ?? '(none)'}`;
  }
}
