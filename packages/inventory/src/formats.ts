import { isIP } from 'node:net';
import { z } from 'zod';
import { addressFault, isNetwork, parseJump } from './addresses.ts';

/** What a diagnostic says about a text that has the wrong form; read by `issueDiagnostics`. */
export interface FormatFault {
  readonly code: string;
  readonly why?: string;
  readonly fix?: string;
}

/**
 * A text of a form of its own. The value never stands in the message: it may be a secret that was
 * put in the wrong place.
 */
function text(options: {
  must: string;
  test: (value: string) => boolean;
  pattern?: RegExp;
  description?: string;
  fault?: FormatFault;
}): z.ZodString {
  const meta: { description?: string; pattern?: string } = {};
  if (options.description !== undefined) meta.description = options.description;
  if (options.pattern !== undefined) meta.pattern = options.pattern.source;
  return z
    .string()
    .refine(options.test, {
      error: options.must,
      params: options.fault ?? { code: 'invalid-value' },
    })
    .meta(meta);
}

function matching(pattern: RegExp, must: string, description: string, fault?: FormatFault) {
  return text({
    must,
    description,
    pattern,
    test: (value) => pattern.test(value),
    ...(fault === undefined ? {} : { fault }),
  });
}

export const referencePattern =
  /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\n]+|command:[\s\S]*\S[\s\S]*)$/;

/** `env:NAME`, `file:path` or `command:…`. */
export const secretReference = matching(
  referencePattern,
  'must be a reference to a secret: env:NAME, file:PATH or command:COMMAND',
  'A reference to a secret: env:NAME, file:PATH or command:COMMAND. Never the secret itself',
  {
    code: 'secret-literal',
    why: 'secrets are only by reference, so that the inventory can be shared and put in git; what stands here is not shown',
    fix: 'write env:NAME, file:PATH or command:COMMAND; if a real secret stood here, consider it known',
  },
);

export const sysctlKey = matching(
  /^[A-Za-z0-9_][A-Za-z0-9_*@:-]*([./][A-Za-z0-9_*@:-]+)+$/,
  'must be the name of a kernel parameter, like net.core.somaxconn',
  'A kernel parameter, like net.core.somaxconn',
  {
    code: 'invalid-sysctl-key',
    why: 'sysctl(8) takes names of two parts or more, separated by dots (or slashes, where a part holds a dot)',
    fix: 'write it as a map: net.core.somaxconn: 32768',
  },
);

export const sysctlValue = z.union([
  z.number(),
  text({
    must: 'must be one line',
    test: (value) => value.trim() !== '' && !/[\n\r\0]/.test(value),
  }),
]);

export const absolutePath = (description: string): z.ZodString =>
  matching(/^\/[^\0\n]*$/, 'must be an absolute path', description);

export const word = (description: string): z.ZodString =>
  matching(/^[^\s\0]+$/, 'must be one word without spaces', description);

export const moduleName = matching(
  /^[A-Za-z0-9_-]+$/,
  'must be the name of a kernel module',
  'The name of a kernel module, like ip_vs',
);

export const roleName = matching(
  /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  'must be a role: lower-case letters, digits and hyphens',
  'A role, like control-plane or worker',
);

export const clusterName = matching(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  'must be a name of lower-case letters, digits and hyphens, at most 63',
  'The name of the cluster: lower-case letters, digits and hyphens',
);

export const serverName = text({
  must: 'must be an address or a host name',
  description: 'An address or a host name',
  test: (value) => isIP(value) !== 0 || addressFault(value) === undefined,
});

export const jumpHost = text({
  must: 'must be [user@]address[:port]',
  description: 'A jump host: [user@]address[:port], IPv6 with a port as [fd00::1]:22',
  test: (value) => parseJump(value) !== undefined,
  fault: {
    code: 'invalid-jump',
    why: 'a jump host is one hop; several hops are several items of the list, the first hop first',
    fix: 'write for example "jump: [ops@bastion.example.org:22]"',
  },
});

export const network = text({
  must: 'must be a network, like 192.168.121.0/24',
  test: isNetwork,
});

export const diskSerial = matching(
  /^[A-Za-z0-9._-]{1,20}$/,
  'must be a serial number of at most 20 letters, digits, dots, hyphens and underscores',
  'The serial number of the disk',
);

export const hostKey = matching(
  /^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa|sk)-[^\s]+ [A-Za-z0-9+/]+=*( .*)?)$/,
  'must be a public key (ssh-ed25519 AAAA…) or a fingerprint (SHA256:…)',
  'A public host key as in a .pub file, or its fingerprint SHA256:…',
);

/** Kubernetes: a name of at most 63 characters, with a DNS name and a slash before it or without. */
export const labelKey = matching(
  /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  'must be the key of a label, like disk or example.org/disk',
  'The key of a label or taint: NAME or DOMAIN/NAME',
);

export const labelValue = matching(
  /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
  'must be the value of a label: at most 63 letters, digits, dots, hyphens and underscores',
  'The value of a label or taint; may be empty',
);
