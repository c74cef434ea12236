/** What the network of a node depends on; the host of a play has all of it. */
export interface NetworkHost {
  readonly name: string;
  readonly address: string;
  readonly facts: {
    readonly interfaces: readonly {
      readonly name: string;
      /** Bytes. */
      readonly mtu: number;
      /** With prefix length: `10.20.0.11/24`. */
      readonly addresses: readonly string[];
    }[];
  };
}
