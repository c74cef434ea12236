import { execFile } from 'node:child_process';
import { access, chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import {
  bundleContent,
  clusterObjectGroups,
  distributions,
  imagesBesideObjects,
  imagesOf,
  kubeadmImages,
  probeImage,
  replaceOrigin,
  type ContentItem,
  type DistributionRepositories,
  type PackageSet,
} from '@skerry/kubernetes';
import type { Artifact, Bundle } from '@skerry/steps';
import { parseAllDocuments } from 'yaml';

import { inParallel } from '../in-parallel.ts';
import { bundledTexts } from '../rendering.ts';
import { canRun } from './can-run.ts';
import { fetchImage } from './fetch-image.ts';
import { fetchItem, place, upstreamOf, type FetchOptions } from './fetch-item.ts';
import { Journal } from './journal.ts';
import { buildProbeImage } from './probe-image.ts';
import { resolvePackages, type OfferedPackage } from './resolve-packages.ts';

/** What `createBundle` tells while it works. */
export interface CreateEvent {
  /** `image registry.k8s.io/pause:3.10.2` */
  readonly artifact: string;
  readonly origin: string;
  readonly result: 'fetched' | 'kept' | 'failed' | 'left-out';
  readonly bytes: number;
  /** Why it was left out, and what that means. */
  readonly why?: string;
}

export interface CreateOptions extends Omit<FetchOptions, 'origins'> {
  /** Of the nodes: `amd64`, `arm64`. */
  readonly architectures: readonly string[];
  /** Of this machine. */
  readonly toolArchitecture: string;
  /** The folder with the source of Skerry's probe image; left out: the bundle has none. */
  readonly probeSources?: string;
  /** Packages of the distributions of nodes. */
  readonly packages?: readonly PackageSet[];
  /** Where distributions have their packages; those that Skerry knows. */
  readonly distributions?: readonly DistributionRepositories[];
  readonly onEvent?: (event: CreateEvent) => void;
}

/** Files fetched at the same time; images are large, and their layers are fetched in parallel already. */
const filesAtOnce = 4;
const imagesAtOnce = 2;

/**
 * Fetches all that an inventory needs into a folder, checks what upstream publishes a digest of, and
 * writes `bundle.json`. What earlier runs brought and is whole is kept; the index appears only when
 * everything is there. Throws a DiagnosticError with every artifact that could not be had.
 */
export async function createBundle(
  inventory: Inventory,
  options: CreateOptions,
): Promise<{ readonly index: Bundle; readonly fetched: number }> {
  const content = bundleContent(inventory, options);
  if (!(await canRun('skopeo'))) throw noSkopeo();
  await mkdir(options.folder, { recursive: true });
  const work = new Work(inventory, await Journal.open(options.folder), options);
  await inParallel(content, filesAtOnce, (item) => work.item(item));
  for (const set of options.packages ?? []) await work.packages(set);
  // Which images belong to it is told by kubeadm and by the manifests.
  work.stopAtFailures();
  const references = await work.imageReferences();
  const images = options.architectures.flatMap((architecture) =>
    references.map((reference) => ({ reference, architecture })),
  );
  await inParallel(images, imagesAtOnce, (image) => work.image(image));
  for (const architecture of options.architectures) await work.probeImage(architecture);
  work.stopAtFailures();
  return work.finish();
}

class Work {
  readonly #inventory: Inventory;
  readonly #journal: Journal;
  readonly #options: CreateOptions;
  readonly #fetch: FetchOptions;
  readonly #failures: Diagnostic[] = [];
  #fetched = 0;

  constructor(inventory: Inventory, journal: Journal, options: CreateOptions) {
    this.#inventory = inventory;
    this.#journal = journal;
    this.#options = options;
    this.#fetch = { ...options, origins: inventory.kubernetes.origins };
  }

  async item(item: ContentItem): Promise<void> {
    const origin = upstreamOf(item);
    const name = `${item.kind === 'archive' ? 'files' : item.kind} ${item.name} ${item.version}`;
    await this.#take(name, origin, {
      kept: () => this.#journal.keptAll((artifact) => artifact.origin === origin),
      fetch: () => fetchItem(item, this.#fetch),
    });
  }

  async image({
    reference,
    architecture,
  }: {
    readonly reference: string;
    readonly architecture: string;
  }): Promise<void> {
    await this.#take(`image ${reference}`, reference, {
      kept: () =>
        this.#journal.keptAll(
          (artifact) =>
            artifact.kind === 'image' &&
            artifact.reference === reference &&
            artifact.architecture === architecture,
        ),
      fetch: async () => [await fetchImage(reference, architecture, this.#fetch)],
    });
  }

  /** Whole packages of an earlier run are kept: newer ones come with a new folder. */
  async packages(set: PackageSet): Promise<void> {
    const { distribution, architecture, names } = set;
    const artifact = `packages of ${distribution} for ${architecture}`;
    const known = (this.#options.distributions ?? distributions).find(
      (one) => one.distribution === distribution,
    );
    const leaveOut = (why: string): void =>
      this.#options.onEvent?.({ artifact, origin: '', result: 'left-out', bytes: 0, why });
    const meaning = 'nodes take them from their own repositories';
    if (known === undefined) {
      return leaveOut(`nobody knows where ${distribution} has its packages; ${meaning}`);
    }
    if (!(await canRun('apt-get'))) {
      return leaveOut(`apt-get tells what they need, and it is not on this machine; ${meaning}`);
    }
    const own = (one: Artifact): one is Extract<Artifact, { kind: 'package' }> =>
      one.kind === 'package' &&
      one.distribution === distribution &&
      one.architecture === architecture;
    const origin = known.repositories[0]?.uri ?? '';
    const offered: OfferedPackage[] = [];
    await this.#take(artifact, origin, {
      kept: async () => {
        const kept = await this.#journal.keptAll(own);
        const covered = new Set(kept?.filter(own).flatMap(({ neededBy }) => neededBy));
        return names.every((name) => covered.has(name)) ? kept : undefined;
      },
      fetch: async () => {
        offered.push(...(await resolvePackages(set, known, this.#fetch)));
        return [];
      },
    });
    await inParallel(offered, filesAtOnce, (one) => this.#package(set, one));
  }

  async #package(
    { distribution, architecture }: PackageSet,
    { name, version, origin, url, sha256, neededBy }: OfferedPackage,
  ): Promise<void> {
    const path = `packages/${distribution}/${architecture}/${name}_${version.replaceAll(':', '%3a')}.deb`;
    const about = { kind: 'package', name, version, distribution, architecture, neededBy } as const;
    await this.#take(`package ${name} ${version}`, origin, {
      kept: async () => {
        const kept = await this.#journal.kept((one) => one.path === path && one.sha256 === sha256);
        return kept === undefined
          ? undefined
          : [{ ...about, origin, path, sha256, size: kept.size }];
      },
      fetch: async () => [
        { ...about, origin, ...(await place(path, { url, sha256 }, this.#fetch)) },
      ],
    });
  }

  /** Without a compiler the bundle has none: `verify` then leaves out what needs pods. */
  async probeImage(architecture: string): Promise<void> {
    const { folder, probeSources: sources, onEvent } = this.#options;
    if (sources === undefined) return;
    if (!(await canRun('go', 'version'))) {
      const about = { artifact: `image ${probeImage}`, origin: sources, bytes: 0 };
      const why =
        'it is built from source, and there is no Go on this machine; verify then checks no pods';
      onEvent?.({ ...about, result: 'left-out', why });
      return;
    }
    // Built anew each time: the compiler knows what it has built before, and an upgrade counts.
    await this.#take(`image ${probeImage}`, sources, {
      kept: () => Promise.resolve(undefined),
      fetch: async () => [await buildProbeImage(architecture, { folder, sources })],
    });
  }

  async #take(
    artifact: string,
    origin: string,
    ways: {
      readonly kept: () => Promise<readonly Artifact[] | undefined>;
      readonly fetch: () => Promise<readonly Artifact[]>;
    },
  ): Promise<void> {
    const tell = (result: CreateEvent['result'], bytes: number): void =>
      this.#options.onEvent?.({ artifact, origin, result, bytes });
    const { signal } = this.#options;
    try {
      signal?.throwIfAborted();
      const kept = await ways.kept();
      const artifacts = kept ?? (await ways.fetch());
      for (const one of artifacts) await this.#journal.add(one);
      if (kept === undefined) this.#fetched += artifacts.length;
      tell(
        kept === undefined ? 'fetched' : 'kept',
        artifacts.reduce((sum, { size }) => sum + size, 0),
      );
    } catch (error) {
      if (signal?.aborted === true) throw interrupted(this.#options.folder);
      tell('failed', 0);
      const from = replaceOrigin(origin, this.#fetch.origins);
      this.#failures.push({
        code: 'not-fetched',
        severity: 'error',
        what: `${artifact} could not be fetched from ${from}`,
        why: error instanceof Error ? error.message : String(error),
        fix: 'check the network and the proxy, or name a mirror in "kubernetes: {origins: …}"; what is there already is not fetched again',
      });
    }
  }

  stopAtFailures(): void {
    if (this.#failures.length > 0) throw new DiagnosticError(this.#failures);
  }

  /** Of kubeadm, of the objects of the cluster, and of what stands in none. */
  async imageReferences(): Promise<readonly string[]> {
    const { folder, toolArchitecture: architecture } = this.#options;
    const { kubernetes } = this.#inventory;
    const bundle = { folder, index: { schema: 1 as const, artifacts: this.#journal.artifacts } };
    for (const tool of bundle.index.artifacts.filter(({ kind }) => kind === 'tool')) {
      await chmod(join(folder, tool.path), 0o755);
    }
    const texts = bundledTexts(bundle, { kubernetes: kubernetes.version ?? '', architecture });
    const groups = clusterObjectGroups({ inventory: this.#inventory, fleet: new Map() }, texts);
    const manifests = bundle.index.artifacts.filter(({ kind }) => kind === 'manifest');
    const objects = [
      ...groups.flatMap((group) => group.objects.map(({ object }) => object)),
      ...manifests.flatMap(({ name }) =>
        [parseAllDocuments(texts.manifest(name))]
          .flat()
          .map((document) => document.toJS() as unknown),
      ),
    ];
    const ofKubeadm = await this.#kubeadmImages(kubernetes.version ?? '');
    const proxy = kubernetes.network.proxy !== 'none';
    return [
      ...new Set([
        ...ofKubeadm.filter((image) => proxy || !image.includes('/kube-proxy:')),
        ...imagesBesideObjects(this.#inventory),
        ...imagesOf(objects),
      ]),
    ];
  }

  async #kubeadmImages(version: string): Promise<readonly string[]> {
    const known = kubeadmImages(version);
    if (known !== undefined) return known;
    const { folder, toolArchitecture } = this.#options;
    const own = this.#journal.artifacts.find(
      ({ kind, name, architecture }) =>
        kind === 'file' && name === 'kubeadm' && architecture === toolArchitecture,
    );
    const asked = `kubeadm config images list --kubernetes-version v${version}`;
    try {
      const program = join(folder, own?.path ?? 'kubeadm');
      await access(program);
      await chmod(program, 0o755);
      const words = ['config', 'images', 'list', '--kubernetes-version', `v${version}`];
      const { stdout } = await promisify(execFile)(program, words);
      return stdout.split('\n').filter((line) => line !== '');
    } catch (error) {
      throw new DiagnosticError({
        code: 'images-unknown',
        severity: 'error',
        what: `which images belong to Kubernetes ${version} could not be found out`,
        why: `the version matrix does not have them, and "${asked}" cannot be run here: ${error instanceof Error ? error.message : String(error)}`,
        fix: `make the bundle on a Linux machine of one of the architectures of the nodes, or add --architecture ${toolArchitecture}`,
      });
    }
  }

  async finish(): Promise<{ index: Bundle; fetched: number }> {
    await this.#journal.finish();
    return { index: { schema: 1, artifacts: this.#journal.artifacts }, fetched: this.#fetched };
  }
}

function interrupted(folder: string): DiagnosticError {
  return new DiagnosticError({
    code: 'aborted',
    severity: 'error',
    what: 'the bundle is not complete: it was interrupted',
    fix: `run it again: what lies in ${folder} already is not fetched again`,
  });
}

function noSkopeo(): DiagnosticError {
  return new DiagnosticError({
    code: 'no-skopeo',
    severity: 'error',
    what: 'skopeo cannot be run, and it copies images',
    why: 'there is no skopeo on PATH',
    fix: 'install it: apt-get install skopeo, dnf install skopeo, brew install skopeo',
  });
}
