/** What is needed of a host's facts. */
interface Distribution {
  readonly distribution: string;
  readonly version: string;
}

/**
 * The version of containerd's configuration file to write: 3 where the distribution ships containerd
 * 2 or newer, else 2, which containerd 1.6 and 1.7 need and 2.x still migrates when it starts
 * (containerd docs/cri/config.md). Shipped: Debian 12 has 1.6, 13 has 1.7; Ubuntu 22.04 and 24.04
 * have 1.7, 26.04 has 2.x.
 */
export function containerdConfigVersion({ distribution, version }: Distribution): 2 | 3 {
  const major = Number.parseFloat(version);
  const two =
    (distribution === 'ubuntu' && major >= 25.1) || (distribution === 'debian' && major >= 14);
  return two ? 3 : 2;
}

/** `docker.io` is served by another name (containerd docs/hosts.md). */
const servers: Readonly<Record<string, string>> = { 'docker.io': 'https://registry-1.docker.io' };

/** One `hosts.toml` for each mirrored registry, under /etc/containerd/certs.d. */
export function registryHosts(
  mirrors: Readonly<Record<string, readonly string[]>>,
): { readonly path: string; readonly server: string; readonly mirrors: readonly string[] }[] {
  return Object.entries(mirrors).map(([registry, endpoints]) => ({
    path: `/etc/containerd/certs.d/${registry}/hosts.toml`,
    server: servers[registry] ?? `https://${registry}`,
    mirrors: endpoints,
  }));
}
