import type { KubernetesSettings } from './kubernetes/settings.ts';
import type { ConnectionSettings } from './schema.ts';

/**
 * What stands for a secret everywhere in the program: `⟦secret:env:NAME⟧` for the reference
 * `env:NAME`. A text that is a token already stays as it is.
 */
export function secretToken(reference: string): string {
  return referenceOf(reference) === undefined ? `⟦secret:${reference}⟧` : reference;
}

/** The reference in a token, or undefined where a text is no token. */
export function referenceOf(token: string): string | undefined {
  return /^⟦secret:([\s\S]+)⟧$/.exec(token)?.[1];
}

/** The tokens in a host's connection settings, by their path: `connection.sudo.password`. */
export function connectionSecrets(connection: ConnectionSettings): ReadonlyMap<string, string> {
  const { passphrase, password, sudo } = connection;
  const sudoPassword =
    typeof sudo === 'object' && sudo.password !== 'ask' ? sudo.password : undefined;
  const found = { passphrase, password, 'sudo.password': sudoPassword };
  return new Map(
    Object.entries(found).flatMap(([path, token]) =>
      token === undefined ? [] : [[`connection.${path}`, token] as const],
    ),
  );
}

/**
 * The tokens of the cluster, by their path below `kubernetes`. Without a version nothing of the
 * cluster is made, and none of them is needed.
 */
export function clusterSecrets({
  version,
  loadBalancer,
}: KubernetesSettings): ReadonlyMap<string, string> {
  if (version === undefined) return new Map();
  return new Map(
    (['metallb', 'cilium'] as const).flatMap((balancer) =>
      (loadBalancer[balancer]?.peers ?? []).flatMap(({ password }, index) =>
        password === undefined
          ? []
          : [[`loadBalancer.${balancer}.peers[${index}].password`, secretToken(password)] as const],
      ),
    ),
  );
}
