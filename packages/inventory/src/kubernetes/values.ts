import { z } from 'zod';
import { network, word } from '../formats.ts';

/** A full version without a leading v: `1.36.3`. */
export const version = (description: string): z.ZodString =>
  z
    .string()
    .refine((value) => /^\d+\.\d+\.\d+$/.test(value), {
      error: 'must be a full version, like 1.36.3',
      params: {
        code: 'invalid-version',
        why: 'what is installed and what is tested is one version, never the newest of a series',
        fix: 'write all three numbers, without a leading v',
      },
    })
    .meta({ description, pattern: String.raw`^\d+\.\d+\.\d+$` });

/** One network, or for dual stack one of each family; always a list once it is read. */
export const networks = (description: string, usual: string) =>
  z
    .union([network, z.array(network).min(1).max(2)])
    .transform((value): readonly string[] => (typeof value === 'string' ? [value] : value))
    .prefault(usual)
    .describe(description);

/** Seconds, minutes or milliseconds as Go writes them. */
export const duration = (description: string): z.ZodString =>
  z
    .string()
    .refine((value) => /^(\d+(\.\d+)?(h|m|s|ms))+$/.test(value), {
      error: 'must be a time, like 30s or 1m30s',
      params: { code: 'invalid-duration', fix: 'write a number with its unit: ms, s, m or h' },
    })
    .meta({ description, pattern: String.raw`^(\d+(\.\d+)?(h|m|s|ms))+$` });

/** The name of a Kubernetes object: RFC 1123, at most 63 characters. */
export const objectName = (description: string): z.ZodString =>
  z
    .string()
    .refine((value) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value), {
      error: 'must be a name of lower-case letters, digits and hyphens, at most 63',
      params: { code: 'invalid-object-name' },
    })
    .meta({ description, pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' });

/** What `egress.allow` may hold. */
export const egressTarget = z
  .string()
  .regex(
    /^(?:(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+(?:\/\d{1,3})?|\[[0-9A-Fa-f:.]+(?:\/\d{1,3})?\]|\d[\d.]*\/\d{1,2})(?::\d{1,5})?$/,
    'must be a name, *.NAME, an address or a network; a port may follow: NAME:PORT, [IPV6]:PORT',
  )
  .describe('A name, *.NAME, an address or a network; with :PORT only that port');

export const asn = (description: string): z.ZodNumber =>
  z.int().min(1).max(4_294_967_295).describe(description);

export const mtu = (description: string): z.ZodNumber =>
  z.int().min(576).max(65_535).describe(description);

export const interfaceName = word('A network interface');
