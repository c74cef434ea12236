/**
 * Knows the secrets of a run, each by its token (`⟦secret:env:NAME⟧`). Everything inside the program
 * handles tokens; values exist only in here and in the bytes that are sent. Two tokens with the same
 * value are the same secret: the first one stands for both. Each secret has a second token,
 * `⟦secret-base64:env:NAME⟧`, for the base64 of its UTF-8 bytes: so Kubernetes keeps and shows it.
 */
export class SecretBook {
  readonly #values = new Map<string, string>();
  readonly #tokenOf = new Map<string, string>();
  #tokens: RegExp | undefined;
  #secrets: RegExp | undefined;

  /** An empty value is no secret: its token is revealed, and nothing is concealed for it. */
  add(token: string, value: string): void {
    this.#put(token, value);
    const encoded = Buffer.from(value, 'utf8').toString('base64');
    this.#put(token.replace(/^⟦secret:/, '⟦secret-base64:'), encoded);
  }

  #put(token: string, value: string): void {
    this.#values.set(token, value);
    if (value !== '' && !this.#tokenOf.has(value)) this.#tokenOf.set(value, token);
    this.#tokens = undefined;
    this.#secrets = undefined;
  }

  /** Puts values in place of tokens. */
  reveal(text: string): string {
    if (this.#values.size === 0) return text;
    this.#tokens ??= anyOf(this.#values.keys());
    return text.replaceAll(this.#tokens, (token) => this.#values.get(token) ?? token);
  }

  /** Puts tokens in place of values, the longest value first. */
  conceal(text: string): string {
    if (this.#tokenOf.size === 0) return text;
    this.#secrets ??= anyOf(this.#tokenOf.keys());
    return text.replaceAll(this.#secrets, (value) => this.#tokenOf.get(value) ?? value);
  }

  /** Replaces each token by the one that stands for its value, so that equal secrets compare equal. */
  canonical(text: string): string {
    if (this.#values.size === 0) return text;
    this.#tokens ??= anyOf(this.#values.keys());
    return text.replaceAll(this.#tokens, (token) => {
      const value = this.#values.get(token);
      return value === undefined ? token : (this.#tokenOf.get(value) ?? token);
    });
  }

  /** The last place, not beyond `end`, at which `text` can be cut without cutting a secret in two. */
  wholeUpTo(text: string, end: number): number {
    if (this.#tokenOf.size === 0) return end;
    this.#secrets ??= anyOf(this.#tokenOf.keys());
    for (const { index, 0: value } of text.matchAll(this.#secrets)) {
      if (index >= end) break;
      if (index + value.length > end) return index;
    }
    return end;
  }

  /**
   * How many characters at the end of `text` may be the beginning of a secret whose rest is still
   * to come: whoever shows text piece by piece keeps them back.
   */
  openEnd(text: string): number {
    let longest = 0;
    for (const value of this.#tokenOf.keys()) {
      for (let size = Math.min(value.length - 1, text.length); size > longest; size--) {
        if (text.endsWith(value.slice(0, size))) longest = size;
      }
    }
    return longest;
  }
}

/** One pass over the text, the longest first, so that what was put in is not looked at again. */
function anyOf(words: Iterable<string>): RegExp {
  const longestFirst = [...words].toSorted((a, b) => b.length - a.length);
  return new RegExp(
    longestFirst.map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'g',
  );
}
