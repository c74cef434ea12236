/** One line of a side-by-side diff; undefined where a side has no line there. */
export interface DiffRow {
  readonly kind: 'same' | 'changed' | 'hunk';
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** A unified diff as two columns: lines that go stand beside lines that come. */
export function sideBySide(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let gone: string[] = [];
  let come: string[] = [];
  const flush = (): void => {
    for (let index = 0; index < Math.max(gone.length, come.length); index++) {
      rows.push({ kind: 'changed', before: gone[index], after: come[index] });
    }
    gone = [];
    come = [];
  };
  for (const line of diff.split('\n')) {
    if (line.startsWith('-')) {
      if (come.length > 0) flush();
      gone.push(line.slice(1));
    } else if (line.startsWith('+')) come.push(line.slice(1));
    else if (line.startsWith('\\')) {
      // "\ No newline at end of file" belongs to the line before it.
      const side = come.length > 0 ? come : gone;
      const last = side.pop();
      if (last !== undefined) side.push(`${last} ⌿ (no newline at the end)`);
    } else {
      flush();
      if (line.startsWith('@@')) rows.push({ kind: 'hunk', before: line, after: line });
      else rows.push({ kind: 'same', before: line.slice(1), after: line.slice(1) });
    }
  }
  flush();
  return rows;
}
