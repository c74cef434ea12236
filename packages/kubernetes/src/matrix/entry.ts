/** Where a fact was read, and when it was read or published there (YYYY-MM-DD). */
export interface Sourced {
  readonly source: string;
  readonly date: string;
}
