import { didYouMean } from '@skerry/diagnostics';
import type { KubernetesSettings } from '@skerry/inventory';
import { componentOf } from '../matrix/components.ts';
import { kubernetesReleases, releaseOf } from '../matrix/kubernetes-releases.ts';
import { testedWith } from '../matrix/tested-with.ts';
import { compareVersions, isAtLeast, seriesOf, versionNumber } from '../version-number.ts';
import type { Rule } from './rule.ts';

/** No minor release of Kubernetes had more patches: 1.18 ended with 20. */
const mostPatches = 20;

/** What the inventory asks for of components whose series it may name as it likes. */
function componentsAsked({ network: { cni }, loadBalancer: { metallb } }: KubernetesSettings): {
  readonly name: string;
  readonly version: string | undefined;
  readonly at: string;
}[] {
  const ofCni = cni?.name === 'calico' || cni?.name === 'flannel' ? [cni] : [];
  return [
    ...ofCni.map(({ name, version }) => ({ name, version, at: `network.cni.${name}.version` })),
    { name: 'metallb', version: metallb?.version, at: 'loadBalancer.metallb.version' },
  ];
}

/** `3.33`: the newest that the matrix has of a component, by itself or run with Kubernetes. */
function newestSeries(name: string): string {
  const number = versionNumber(componentOf(name).version);
  const own = number === undefined ? [] : [seriesOf(number)];
  const run = testedWith.filter(({ cni }) => cni === name).map(({ series }) => series);
  return [...own, ...run].reduce((one, other) => (isAtLeast(one, other) ? one : other), '0.0');
}

/** Of the same major version as the newest that is known, and not newer. */
function isKnownSeries(version: string, newest: string): boolean {
  const [asked, known] = [versionNumber(version), versionNumber(newest)];
  if (asked === undefined || known === undefined) return true;
  return asked.major === known.major && asked.minor <= known.minor;
}

export const versionRules: readonly Rule[] = [
  {
    id: 'version-unknown',
    severity: 'error',
    wants: 'The version of Kubernetes is one that was released.',
    reason: 'a version that was never released cannot be installed, and an old one is not tested',
    fix: 'write a version of a series that the matrix knows',
    source: 'kubernetes.io/releases',
    needs: 'inventory',
    *check({ kubernetes: { version } }) {
      const number = version === undefined ? undefined : versionNumber(version);
      if (version === undefined || number === undefined) return;
      const release = releaseOf(version);
      const series = kubernetesReleases.map((one) => one.series);
      if (release === undefined) {
        const near = didYouMean(seriesOf(number), series);
        yield {
          what: `Kubernetes ${seriesOf(number)} is not known`,
          at: 'version',
          fix: `${near === undefined ? '' : `${near} `}known are ${series.join(', ')}`,
        };
        return;
      }
      const last = release.final ? release.newestPatch : mostPatches;
      if (number.patch > last) {
        const newest = `${release.series}.${release.newestPatch}`;
        yield {
          what: `there is no Kubernetes ${version}`,
          at: 'version',
          fix: `the newest of this series that is known is ${newest}`,
        };
      }
    },
  },
  {
    id: 'version-newer-than-known',
    severity: 'warning',
    wants: 'The version of Kubernetes is one that Skerry knows.',
    reason: 'what is known about a series may not hold for a patch that came later',
    fix: 'read its changelog, or take the newest version that is known',
    source: 'kubernetes.io/releases/patch-releases',
    needs: 'inventory',
    *check({ kubernetes: { version } }) {
      const release = version === undefined ? undefined : releaseOf(version);
      const patch = version === undefined ? 0 : (versionNumber(version)?.patch ?? 0);
      if (release === undefined || release.final || patch > mostPatches) return;
      if (patch <= release.newestPatch) return;
      yield {
        what: `Kubernetes ${version} is newer than what is known: ${release.series}.${release.newestPatch} of ${release.date}`,
        at: 'version',
      };
    },
  },
  {
    id: 'version-end-of-life',
    severity: 'warning',
    wants: 'The version of Kubernetes still gets fixes.',
    reason: 'holes that are found in it are not closed any more',
    fix: 'upgrade, one minor version after the other',
    source: 'kubernetes.io/releases/patch-releases',
    needs: 'inventory',
    *check({ kubernetes: { version }, today }) {
      const release = version === undefined ? undefined : releaseOf(version);
      if (release === undefined || today <= release.endOfLife) return;
      yield { what: `Kubernetes ${release.series} ended on ${release.endOfLife}`, at: 'version' };
    },
  },
  {
    id: 'component-version-unknown',
    severity: 'warning',
    wants: 'The version of Calico, Flannel or MetalLB is of a series that Skerry knows.',
    reason: 'there may be no such version, and what is known of its settings may not hold for it',
    fix: 'take the version that Skerry takes by itself',
    source:
      'github.com: releases of projectcalico/calico, flannel-io/flannel and metallb/metallb; the version matrix',
    needs: 'inventory',
    *check({ kubernetes }) {
      for (const { name, version, at } of componentsAsked(kubernetes)) {
        const { version: own } = componentOf(name);
        const newest = newestSeries(name);
        if (version === undefined || isKnownSeries(version, newest)) continue;
        const near = didYouMean(version, [own]);
        yield {
          what: `${name} ${version} is not known: the newest series that is known is ${newest}`,
          at,
          fix: `${near === undefined ? '' : `${near} `}Skerry takes ${own} by itself`,
        };
      }
    },
  },
  {
    id: 'version-skew',
    severity: 'error',
    wants:
      'Nodes run no newer Kubernetes than the inventory names, and none that is too old for it.',
    reason:
      'a kubelet may be three minor versions older than the API server and never newer; control planes go up one minor version at a time, and never down',
    fix: 'upgrade by one minor version after the other',
    source: 'kubernetes.io/releases/version-skew-policy',
    needs: 'facts',
    *check({ kubernetes: { version }, facts, controlPlanes }) {
      const wanted = version === undefined ? undefined : versionNumber(version);
      if (wanted === undefined) return;
      for (const [host, { kubernetes }] of facts) {
        const kubelet = kubernetes?.kubelet ?? '';
        const runs = versionNumber(kubelet);
        if (runs === undefined) continue;
        const most = controlPlanes.some(({ name }) => name === host) ? 1 : 3;
        const behind = wanted.minor - runs.minor;
        if (compareVersions(runs, wanted) > 0) {
          yield {
            what: `${host} runs ${kubelet} already, which is newer than ${version}`,
            at: { host },
            fix: 'Kubernetes does not go back: write at least the version that runs',
          };
        } else if (behind > most) {
          const next = `${wanted.major}.${runs.minor + 1}`;
          yield {
            what: `${host} runs ${kubelet}, ${behind} minor versions behind ${version}`,
            at: { host },
            fix: `upgrade to ${next} first`,
          };
        }
      }
    },
  },
  {
    id: 'containerd-too-old',
    severity: 'warning',
    wants: 'The containerd that is there is at least the one recommended with this Kubernetes.',
    reason:
      'older ones are not tested with it; 1.7 has had no fixes since September 2026 and cannot tell its cgroup driver, without which the kubelet of Kubernetes 1.38 does not start',
    fix: 'name a newer package, as in "node: {containerd: {package: containerd.io}}", from a repository that has it',
    source:
      'containerd RELEASES.md (Kubernetes support); KEP-4033; github.com/kubernetes/kubernetes/pull/139121',
    needs: 'facts',
    *check({ kubernetes: { version }, facts }) {
      const release = version === undefined ? undefined : releaseOf(version);
      if (release === undefined) return;
      const { series, containerd: least } = release;
      const byVersion = Map.groupBy(facts, ([, { containerd }]) => containerd ?? '');
      for (const [containerd, [first, ...others]] of byVersion) {
        if (first === undefined || containerd === '' || isAtLeast(containerd, least)) continue;
        const [host] = first;
        const who = others.length === 0 ? `${host} has` : `${host} and ${others.length} more have`;
        yield {
          what: `${who} containerd ${containerd}, Kubernetes ${series} wants ${least}`,
          at: { host },
        };
      }
    },
  },
];
