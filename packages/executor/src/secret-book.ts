/**
 * Knows the secrets of a run, each by its token (`⟦secret:env:NAME⟧`). Everything inside the program
 * handles tokens; values exist only in here and in the bytes that are sent. Two tokens with the same
 * value are the same secret: the first one stands for both.
 */
export class SecretBook {
  readonly #values = new Map<string, string>();
  readonly #tokenOf = new Map<string, string>();

  add(token: string, value: string): void {
    this.#values.set(token, value);
    if (!this.#tokenOf.has(value)) this.#tokenOf.set(value, token);
  }

  /** Puts values in place of tokens. */
  reveal(text: string): string {
    let out = text;
    for (const [token, value] of this.#values) out = out.replaceAll(token, () => value);
    return out;
  }

  /** Puts tokens in place of values, the longest value first. */
  conceal(text: string): string {
    let out = text;
    const longestFirst = [...this.#tokenOf].toSorted(([a], [b]) => b.length - a.length);
    for (const [value, token] of longestFirst) out = out.replaceAll(value, () => token);
    return out;
  }

  /** Replaces each token by the one that stands for its value, so that equal secrets compare equal. */
  canonical(text: string): string {
    let out = text;
    for (const [token, value] of this.#values) {
      const first = this.#tokenOf.get(value);
      if (first !== undefined && first !== token) out = out.replaceAll(token, () => first);
    }
    return out;
  }
}
