import type { Sourced } from './entry.ts';

/** Where a distribution has its packages. */
export interface DistributionRepositories extends Sourced {
  /** ID and VERSION_ID of os-release(5): `debian-13`. */
  readonly distribution: string;
  /** Each with the suites that are read there; `ports` in place of `uri` for all but amd64. */
  readonly repositories: readonly {
    readonly uri: string;
    readonly ports?: string;
    readonly suites: readonly string[];
  }[];
  readonly components: readonly string[];
  /** The keys that sign them, where Debian and Ubuntu put them. */
  readonly keyring: string;
  /** What to install where that file is missing. */
  readonly keyringPackage: string;
}

function debian(version: string, codename: string, date: string): DistributionRepositories {
  return {
    distribution: `debian-${version}`,
    repositories: [
      { uri: 'https://deb.debian.org/debian', suites: [codename, `${codename}-updates`] },
      { uri: 'https://deb.debian.org/debian-security', suites: [`${codename}-security`] },
    ],
    components: ['main'],
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    keyringPackage: 'debian-archive-keyring',
    source: 'debian.org, sources.list(5) and the release notes',
    date,
  };
}

function ubuntu(version: string, codename: string, date: string): DistributionRepositories {
  const ports = 'http://ports.ubuntu.com/ubuntu-ports';
  return {
    distribution: `ubuntu-${version}`,
    repositories: [
      {
        uri: 'http://archive.ubuntu.com/ubuntu',
        ports,
        suites: [codename, `${codename}-updates`],
      },
      { uri: 'http://security.ubuntu.com/ubuntu', ports, suites: [`${codename}-security`] },
    ],
    components: ['main', 'universe'],
    keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
    keyringPackage: 'ubuntu-keyring',
    source: 'ubuntu.com, /etc/apt/sources.list.d/ubuntu.sources of its images',
    date,
  };
}

/** The distributions whose packages a bundle can hold. */
export const distributions: readonly DistributionRepositories[] = [
  debian('12', 'bookworm', '2026-11-30'),
  debian('13', 'trixie', '2026-11-30'),
  ubuntu('22.04', 'jammy', '2026-11-30'),
  ubuntu('24.04', 'noble', '2026-11-30'),
  ubuntu('26.04', 'resolute', '2026-11-30'),
];
