/** What a node's data plane does with Services: `tcp 10.96.0.1:443` to its backends, `address:port`. */
export type ServiceTable = ReadonlyMap<string, ReadonlySet<string>>;

export function frontend(protocol: string, endpoint: string): string {
  return `${protocol} ${endpoint}`;
}

/** A table that is being filled. */
export class TableBuilder {
  readonly #entries = new Map<string, Set<string>>();

  add(key: string, backends: Iterable<string> = []): void {
    const entry = this.#entries.get(key) ?? new Set();
    this.#entries.set(key, entry);
    for (const backend of backends) entry.add(backend);
  }

  get table(): ServiceTable {
    return this.#entries;
  }
}
