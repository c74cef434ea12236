import { spawn } from 'node:child_process';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { writeImageArchive, writeLayer, type ImageSettings, type LayerEntry } from '@skerry/bundle';
import { hostOrigin } from '@skerry/lab';
import type { Product } from './product.ts';
import { cached } from './cache.ts';
import { copyTarWithout } from './copy-tar.ts';

/** The folder of this script: the components' own files stand in it. */
export const here = import.meta.dirname;

/** The architecture that is built for, in Go's words: that of this computer. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Programs of one Go module, or of a wrapper that requires it. */
export interface GoPrograms {
  readonly name: string;
  /** Folder of the wrapper's go.mod; all its `tool` lines are built. Or packages below a folder. */
  readonly folder: string;
  readonly packages?: readonly string[];
  /** What `-ldflags` sets beside `-s -w`: variables with their values. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  /** With C, linked statically. */
  readonly c?: boolean;
}

/** Tells what is going on, one line each. */
export type Tell = (line: string) => void;

/** What components are made with. Nothing here knows a component. */
export class Workshop {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Runs a program to its end, politely; its output is shown when it fails. */
  async run(
    argv: readonly string[],
    options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<string> {
    const child = spawn('nice', ['-n', '10', ...argv], {
      cwd: options.cwd ?? here,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
    const code = await promise;
    if (code === 0) return stdout;
    const end = `${said}${stdout}`.trimEnd().split('\n').slice(-30).join('\n');
    throw new Error(`${argv.slice(0, 4).join(' ')} … ended with ${code}:\n${end}`);
  }

  /** A cached part of a component; `seconds` are told when it had to be made. */
  async part(
    name: string,
    inputs: unknown,
    make: (folder: string) => Promise<void>,
  ): Promise<string> {
    return await cached('components', name, inputs, async (folder) => {
      const begin = Date.now();
      this.#tell(`${name} …`);
      await make(folder);
      this.#tell(`${name}: ${Math.round((Date.now() - begin) / 1000)} s`);
    });
  }

  /** Builds Go programs; gives the folder that holds them by name. */
  async goPrograms(programs: GoPrograms): Promise<string> {
    const { name, folder, packages = ['tool'], variables = {}, tags = [], c = false } = programs;
    const set = Object.entries(variables).map(([key, value]) =>
      value.includes(' ') ? `-X '${key}=${value}'` : `-X ${key}=${value}`,
    );
    const link = ['-s', '-w', ...set, ...(c ? ['-linkmode external', '-extldflags -static'] : [])];
    const flags = [
      '-trimpath',
      '-buildvcs=false',
      '-mod=readonly',
      ...(tags.length === 0 ? [] : ['-tags', tags.join(',')]),
      '-ldflags',
      link.join(' '),
    ];
    const inputs = [flags, c, packages, architecture, await goSources(folder)];
    return await this.part(`${name}-programs`, inputs, async (target) => {
      await this.run(['go', 'build', ...flags, '-o', `${target}/`, ...packages], {
        cwd: folder,
        env: { ...goEnvironment, CGO_ENABLED: c ? '1' : '0' },
      });
    });
  }

  /** Folder of a module that a wrapper requires, unpacked by Go. */
  async moduleFolder(folder: string, module: string): Promise<string> {
    const env = { ...goEnvironment, GOFLAGS: '-mod=mod' };
    await this.run(['go', 'mod', 'download', module], { cwd: folder, env });
    const found = await this.run(['go', 'list', '-m', '-f', '{{.Dir}}', module], {
      cwd: folder,
      env,
    });
    return found.trim();
  }

  /**
   * The files of Debian packages with all that they depend on, as a layer: nothing is configured.
   * `without` are paths in it, relative to its root, that are left out with what is below; a `*`
   * stands for a part of a name.
   */
  async debianLayer(
    name: string,
    packages: readonly string[],
    without: readonly string[] = [],
  ): Promise<string> {
    const release = 'trixie';
    const origin = await hostOrigin();
    const words = [
      '--variant=extract',
      `--architectures=${architecture}`,
      `--include=${packages.join(',')}`,
      ...origin.options.map((option) => `--aptopt=${option}`),
    ];
    const left = [...never, ...without];
    const folder = await this.part(`${name}-root`, [release, packages, left, 2], async (target) => {
      const all = join(target, 'all.tar');
      await this.run(['mmdebstrap', ...words, release, all, ...origin.sources(release)], {
        env: { SOURCE_DATE_EPOCH: '0' },
      });
      await copyTarWithout(all, join(target, 'layer.tar'), left);
      await rm(all);
    });
    return join(folder, 'layer.tar');
  }

  /** Packs the folder of a Helm chart; the same folder gives the same bytes. */
  async chart(folder: string, target: string): Promise<void> {
    const unpacked = `${target}.tar`;
    const order = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    const parent = ['-C', dirname(folder), basename(folder)];
    await this.run(['tar', ...order, '--mode=u+w', '-cf', unpacked, ...parent]);
    await this.run(['gzip', '-n', '-9', unpacked]);
    await rename(`${unpacked}.gz`, target);
  }

  /** Writes an image: `base` layers first, then one with `entries`. */
  async image(
    folder: string,
    settings: Omit<ImageSettings, 'architecture'>,
    entries: readonly LayerEntry[],
    origin: string,
    base: readonly string[] = [],
  ): Promise<Product> {
    const [, name = '', version = ''] = /([^/:]+):([^:]+)$/.exec(settings.reference) ?? [];
    const file = join(folder, `${name}.tar`);
    const layer = join(folder, `${name}.layer`);
    await mkdir(dirname(layer), { recursive: true });
    await writeLayer(layer, base.length === 0 ? [...nothingElse, ...entries] : entries);
    const archive = await writeImageArchive(
      file,
      { environment: [`PATH=${searchPath}`], ...settings, architecture },
      [...base, layer],
    );
    await rm(layer);
    const { reference } = settings;
    return {
      file: basename(file),
      digest: archive,
      artifact: {
        kind: 'image',
        name,
        version,
        origin,
        architecture,
        reference,
        digest: archive.digest,
      },
    };
  }
}

/** Nothing of the user's own settings; a newer Go than the one that is here is fetched by Go itself. */
const goEnvironment = { GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'auto' };

/** What no program needs. */
const never = ['dev/*', 'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/lintian'];

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What programs expect of an image that holds nothing but themselves. */
const nothingElse: readonly LayerEntry[] = [
  { path: '/tmp', mode: 0o1777, folder: true },
  {
    path: '/etc/passwd',
    mode: 0o644,
    text: 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n',
  },
  { path: '/etc/group', mode: 0o644, text: 'root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n' },
];

/** Texts that decide about what is built: go.mod, go.sum, and Go files that stand in the folder. */
export async function goSources(folder: string): Promise<readonly (readonly [string, string])[]> {
  const names = await readdir(folder, { recursive: true });
  const wanted = names.filter((name) => /(^|\/)go\.(mod|sum)$|\.go$/.test(name)).toSorted();
  return await Promise.all(
    wanted.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );
}

/** The version that a wrapper's go.mod requires of a module, without the leading v. */
export async function requiredVersion(folder: string, module: string): Promise<string> {
  const text = await readFile(join(folder, 'go.mod'), 'utf8');
  const version = text
    .split('\n')
    .map((line) =>
      line
        .replace(/^require\s+/, '')
        .trim()
        .split(/\s+/),
    )
    .find(([path, version]) => path === module && version?.startsWith('v'))?.[1];
  if (version === undefined) throw new Error(`${folder}/go.mod does not require ${module}`);
  return version.replace(/^v/, '');
}
