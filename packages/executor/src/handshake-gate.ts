import pLimit, { type LimitFunction } from 'p-limit';

/**
 * Limits how many handshakes are under way with one endpoint: sshd drops connections beyond
 * `MaxStartups` (10:30:100), and a jump host meets all of them at once.
 */
export class HandshakeGate {
  readonly #limits = new Map<string, LimitFunction>();
  readonly #perEndpoint: number;

  constructor(perEndpoint: number) {
    this.#perEndpoint = perEndpoint;
  }

  pass<T>(endpoint: string, handshake: () => Promise<T>): Promise<T> {
    let limit = this.#limits.get(endpoint);
    if (limit === undefined) {
      limit = pLimit(this.#perEndpoint);
      this.#limits.set(endpoint, limit);
    }
    return limit(handshake);
  }
}
