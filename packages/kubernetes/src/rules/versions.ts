import { didYouMean } from '@skerry/diagnostics';
import { kubernetesReleases, releaseOf } from '../matrix/kubernetes-releases.ts';
import { compareVersions, isAtLeast, seriesOf, versionNumber } from '../version-number.ts';
import type { Rule } from './rule.ts';

/** No minor release of Kubernetes had more patches: 1.18 ended with 20. */
const mostPatches = 20;

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
