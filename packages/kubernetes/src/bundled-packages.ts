import { packages, type Archive, type Bundle, type Step } from '@skerry/steps';
import { goArchitecture } from './programs.ts';

/** What decides which packages fit a host. */
export interface DistributionFacts {
  /** ID of os-release(5): `debian`. */
  readonly distribution: string;
  /** VERSION_ID: `13`. */
  readonly version: string;
  /** `uname -m` */
  readonly architecture: string;
}

/**
 * Where packages with these names come from on a host: their archives and all that they need, or
 * undefined for the repositories of the host, where there is no bundle or where it has nothing of this
 * distribution. Pure.
 */
export function bundledPackages(
  bundle: Bundle | undefined,
  facts: DistributionFacts,
  names: readonly string[],
): Archive[] | undefined {
  const own = bundle?.artifacts
    .filter((artifact) => artifact.kind === 'package')
    .filter(
      ({ distribution, architecture }) =>
        distribution === `${facts.distribution}-${facts.version}` &&
        architecture === goArchitecture(facts.architecture),
    );
  if (own === undefined || own.length === 0) return undefined;
  return own.flatMap(({ name, version, path, sha256, size, neededBy }) => {
    const asked = neededBy.filter((one) => names.includes(one));
    return asked.length === 0 ? [] : [{ name, version, path, sha256, size, neededBy: asked }];
  });
}

/** The step that installs packages on a host of a play, from its bundle where that has them. */
export function packagesStep(
  name: string,
  present: readonly string[],
  {
    host,
    bundle,
  }: {
    readonly host: { readonly facts: DistributionFacts };
    readonly bundle?: Bundle | undefined;
  },
): Step {
  const archives = bundledPackages(bundle, host.facts, present);
  return packages(name, { present, ...(archives && { archives }) });
}
