import type { Artifact } from '@skerry/steps';

type Package = Extract<Artifact, { kind: 'package' }>;

/** A package of Debian 13 in a bundle, as its index names it. */
export function bundledPackage(
  name: string,
  neededBy: readonly string[],
  more: Partial<Package> = {},
): Package {
  return {
    kind: 'package',
    name,
    version: '1',
    path: `packages/${name}.deb`,
    sha256: 'a'.repeat(64),
    size: 1,
    origin: 'https://deb.debian.org/debian/pool/x.deb',
    distribution: 'debian-13',
    architecture: 'amd64',
    neededBy,
    ...more,
  };
}
