import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { replaceOrigin, type DistributionRepositories, type PackageSet } from '@skerry/kubernetes';

const run = promisify(execFile);

/** Milliseconds: the lists of a distribution have some ten MiB. */
const deadline = 900_000;

/** One package as its repository offers it. */
export interface OfferedPackage {
  readonly name: string;
  readonly version: string;
  /** At its origin, and where it is fetched from. */
  readonly origin: string;
  readonly url: string;
  readonly sha256: string;
  /** The packages of the set that need it, themselves among them. */
  readonly neededBy: readonly string[];
}

/**
 * What the packages of a set need down to libc, as apt-get sees it that has nothing installed and
 * knows the repositories of the distribution only. Their lists are compared with the signatures that
 * the distribution made. Nothing of this machine is looked at but the settings of apt (a proxy) and
 * the keyring. Throws with the reason.
 */
export async function resolvePackages(
  set: PackageSet,
  repositories: DistributionRepositories,
  options: { readonly origins: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
): Promise<OfferedPackage[]> {
  const { keyring, keyringPackage } = repositories;
  await access(keyring).catch(() => {
    throw new Error(
      `the keys of ${set.distribution} are not on this machine: ${keyring}; apt-get install ${keyringPackage}`,
    );
  });
  const upstream = new Map<string, string>();
  const lines = repositories.repositories.map(({ uri, ports, suites }) => {
    const origin = set.architecture === 'amd64' ? uri : (ports ?? uri);
    const from = replaceOrigin(origin, options.origins).replace(/\/$/, '');
    upstream.set(from, origin);
    const signed = `[arch=${set.architecture} signed-by=${keyring}]`;
    const { components } = repositories;
    return suites.map((suite) => `deb ${signed} ${from} ${suite} ${components.join(' ')}\n`);
  });
  const scratch = await mkdtemp(join(tmpdir(), 'skerry-apt-'));
  try {
    const apt = await isolatedApt(scratch, set.architecture, lines.flat().join(''), options.signal);
    await apt(['update']);
    const found = new Map<string, Omit<OfferedPackage, 'neededBy'> & { neededBy: string[] }>();
    for (const asked of set.names) {
      const words = ['--print-uris', '--yes', '--no-install-recommends', 'install', asked];
      for (const offer of offersIn(await apt(words), upstream)) {
        const known = found.get(offer.url) ?? { ...offer, neededBy: [] };
        known.neededBy.push(asked);
        found.set(offer.url, known);
      }
    }
    return [...found.values()];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** apt-get with lists and a database of its own; gives what it prints, throws what it complains of. */
async function isolatedApt(
  folder: string,
  architecture: string,
  sources: string,
  signal: AbortSignal | undefined,
): Promise<(words: readonly string[]) => Promise<string>> {
  for (const name of ['sources', 'lists/partial', 'archives/partial']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources/distribution.list'), sources);
  const settings = {
    'Dir::State::status': join(folder, 'status'),
    'Dir::State::extended_states': join(folder, 'extended_states'),
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::Cache::archives': join(folder, 'archives'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(folder, 'sources'),
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    // One list that cannot be read is an error: its packages would be missing without a word.
    'APT::Update::Error-Mode': 'any',
    'Acquire::ForceHash': 'SHA256',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true',
  };
  const given = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return async (words) => {
    try {
      const { stdout } = await run('apt-get', ['-qq', ...given, ...words], {
        env: { ...process.env, LC_ALL: 'C' },
        timeout: deadline,
        maxBuffer: 64 * 1024 * 1024,
        ...(signal === undefined ? {} : { signal }),
      });
      return stdout;
    } catch (error) {
      signal?.throwIfAborted();
      const said = ((error as { stderr?: string }).stderr ?? '').split('\n');
      const reasons = said.filter((line) => /^[EW]: /.test(line)).map((line) => line.slice(3));
      throw reasons.length === 0 ? error : new Error(reasons.join('; '), { cause: error });
    }
  };
}

/** Lines like `'http://…/containerd_1.7.24%7eds1-6_amd64.deb' containerd_1.7.24~ds1-6_amd64.deb 32784720 SHA256:…`. */
function* offersIn(
  printed: string,
  upstream: ReadonlyMap<string, string>,
): Iterable<Omit<OfferedPackage, 'neededBy'>> {
  for (const line of printed.split('\n')) {
    const [, url, file, sha256] =
      /^'([^']+)' (\S+\.deb) \d+ SHA256:([0-9a-f]{64})$/.exec(line) ?? [];
    if (url === undefined || file === undefined || sha256 === undefined) continue;
    const [name = '', version = ''] = file.split('_').map((part) => decodeURIComponent(part));
    const mirror = [...upstream.keys()].find((from) => url.startsWith(`${from}/`)) ?? '';
    const origin = `${upstream.get(mirror) ?? mirror}${url.slice(mirror.length)}`;
    yield { name, version, origin, url, sha256 };
  }
}
