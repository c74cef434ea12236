import type { SourcePosition } from '@skerry/diagnostics';

/** A host that is contacted, by whom, and why. */
export interface Contact {
  /** A name, an address, or `*.NAME` where a server sends clients on to names nobody lists. */
  readonly host: string;
  /** 0 for protocols without ports. */
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'vrrp';
  /** `operator`: the machine that runs Skerry. */
  readonly from: 'operator' | 'jump host' | 'nodes' | 'control planes';
  readonly reason: string;
  /** The line of the inventory that asks for it; undefined where a default does. */
  readonly at?: SourcePosition;
}

/** What cannot be said from an inventory alone. */
export interface Unsaid {
  readonly what: string;
  readonly at?: SourcePosition;
}

/** Host and port of a URL; the port of its scheme where it names none. */
export function hostOfUrl(
  url: string,
): { readonly host: string; readonly port: number } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === 'http:' ? 80 : 443;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) };
}

/** Host and port of `address`, `address:port`, `[address]:port`. */
export function hostAndPort(
  text: string,
  usual: number,
): { readonly host: string; readonly port: number } {
  const [, bracketed, inner] = /^\[([^\]]*)\](?::(\d+))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: Number(inner ?? usual) };
  const [, host, port] = /^([^:]*):(\d+)$/.exec(text) ?? [];
  return host === undefined ? { host: text, port: usual } : { host, port: Number(port) };
}
