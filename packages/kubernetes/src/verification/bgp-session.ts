import type { BgpPeer } from '../networks/bgp-peers.ts';
import { addressRange } from '../address-range.ts';

/** What a node says of one session that it has, or is to have. */
export interface BgpSession {
  readonly node: string;
  readonly speaker: BgpPeer['speaker'];
  readonly address: string;
  readonly asn: number;
  readonly up: boolean;
  /** As in "the session with … is …". */
  readonly state: string;
  /** Where more is known than what a session that is down means. */
  readonly why?: string;
}

/** Whether two texts are the same address; IPv6 can be written in several ways. */
export function isSameAddress(one: string, other: string): boolean {
  const [a, b] = [addressRange(one), addressRange(other)];
  return a === undefined || b === undefined
    ? one === other
    : a.family === b.family && a.first === b.first;
}
