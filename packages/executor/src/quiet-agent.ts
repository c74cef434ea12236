import ssh2, {
  type BaseAgent,
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';

/**
 * An agent that has no keys when it cannot be asked, where ssh2 would end the whole login. Keys that
 * the inventory names come first: a server counts every key that is offered (MaxAuthTries).
 */
export class QuietAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent<ParsedKey>;
  readonly #preferred: readonly string[];
  /** Why the agent could not be asked. */
  problem: string | undefined;

  /** `preferred`: public keys in base64. */
  constructor(socket: string, preferred: readonly string[]) {
    super();
    this.#agent = ssh2.createAgent(socket) as BaseAgent<ParsedKey>;
    this.#preferred = preferred;
  }

  getIdentities(callback: IdentityCallback<ParsedKey>): void {
    this.#agent.getIdentities((error, keys) => {
      if (error !== null && error !== undefined) this.problem = error.message;
      const rank = (key: ParsedKey): number =>
        this.#preferred.includes(key.getPublicSSH().toString('base64')) ? 0 : 1;
      // OpenSSHAgent, which this always is, gives parsed keys
      const parsed = (keys ?? []) as ParsedKey[];
      callback(
        null,
        parsed.toSorted((a, b) => rank(a) - rank(b)),
      );
    });
  }

  sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, callback);
  }
}
