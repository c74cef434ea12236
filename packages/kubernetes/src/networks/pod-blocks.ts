import type { Host, KubernetesSettings } from '@skerry/inventory';
import { addressRange, addressText, parseRange, prefixLength } from '../address-range.ts';

/** The part of the pods' network that each node gives to its own pods. */
export interface PodBlocks {
  /** IPv4 in CIDR notation: `10.244.0.0/16`. */
  readonly network: string;
  /** By name of the host, in CIDR notation: `10.244.11.0/24`. Without hosts that have no block. */
  readonly blocks: ReadonlyMap<string, string>;
}

/** The IPv4 network of pods; undefined where there is none. */
export function podsNetwork4({ network }: KubernetesSettings): string | undefined {
  return network.pods.find((text) => parseRange(text)?.family === 4);
}

/**
 * The block of one node, which follows from nothing but its own address: the block's number is the
 * address modulo the number of blocks, so 10.20.0.11 has 10.244.11.0/24 of 10.244.0.0/16. Nothing has
 * to be remembered, and no node moves when another one comes or goes. Nodes of a segment with no more
 * addresses than there are blocks never share one. Undefined where the address is a name, or the
 * network is smaller than one block.
 */
export function blockOf(network: string, blockSize: number, address: string): string | undefined {
  const range = parseRange(network);
  const own = addressRange(address);
  const bits = blockSize - prefixLength(network);
  if (range?.family !== 4 || own?.family !== 4 || bits < 0) return undefined;
  const number = own.first % (1n << BigInt(bits));
  const first = range.first + (number << BigInt(32 - blockSize));
  return `${addressText(4, first)}/${blockSize}`;
}

/** The blocks of all nodes under `cni: routed`: as the inventory names them, else by their address. */
export function podBlocks(kubernetes: KubernetesSettings, hosts: readonly Host[]): PodBlocks {
  const { cni } = kubernetes.network;
  const network = podsNetwork4(kubernetes);
  const blocks = new Map<string, string>();
  if (cni?.name !== 'routed' || network === undefined) return { network: '', blocks };
  for (const { name, address } of hosts) {
    const block = cni.blocks[name] ?? blockOf(network, cni.blockSize, address);
    if (block !== undefined) blocks.set(name, block);
  }
  return { network, blocks };
}
