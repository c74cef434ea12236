import { DiagnosticError } from '@skerry/diagnostics';
import type { KubernetesSettings } from '@skerry/inventory';
import type { Artifact, Bundle } from '@skerry/steps';

/** The key of pkgs.k8s.io (uid isv:kubernetes OBS Project), the same for all minor versions. */
export const packagesKeyFingerprint = 'DE15B14486CD377B9E876E1A234654DA9A296436';

/** The repository of one minor version, for apt and for dnf (kubernetes.io, installing kubeadm). */
export function packagesOf({ version = '', packages }: KubernetesSettings): {
  readonly apt: { readonly uris: string[]; readonly suites: string[] };
  readonly dnf: { readonly baseurl: string; readonly description: string };
} {
  const minor = version.split('.').slice(0, 2).join('.');
  const base = `${packages.repository.replace(/\/$/, '')}/v${minor}`;
  return {
    apt: { uris: [`${base}/deb/`], suites: ['/'] },
    dnf: { baseurl: `${base}/rpm/`, description: 'Kubernetes' },
  };
}

/** kubeadm, kubelet and kubectl in one version, which upgrades of the system pass by. */
export function programPackages(
  { version = '', packages }: KubernetesSettings,
  family: string,
): { readonly name: string; readonly version: string; readonly hold: true }[] {
  const revision = family === 'redhat' ? packages.rpmRevision : packages.debRevision;
  return ['kubeadm', 'kubectl', 'kubelet'].map((name) => ({
    name,
    version: `${version}-${revision}`,
    hold: true,
  }));
}

/** `uname -m` as Go, OCI and Debian call it. */
export function goArchitecture(machine: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64' }[machine] ?? machine;
}

/** Images of these components run on control planes only. */
const ofControlPlanes =
  /\/(etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kube-vip)[:@]/;

/**
 * Where the bundle puts the kubelet. Throws a DiagnosticError where one of the programs is missing, or
 * has another version than the inventory asks for.
 */
export function bundledKubelet(
  files: readonly Extract<Artifact, { kind: 'file' }>[],
  { version = '' }: KubernetesSettings,
): string {
  const wrong = ['kubeadm', 'kubectl', 'kubelet'].flatMap((name) => {
    const found = files.find((file) => file.name === name);
    if (found?.version === version) return [];
    return [found === undefined ? `no ${name}` : `${name} ${found.version}`];
  });
  const kubelet = files.find(({ name }) => name === 'kubelet');
  if (wrong.length === 0 && kubelet !== undefined) return kubelet.install;
  throw new DiagnosticError({
    code: 'bundle-version',
    severity: 'error',
    what: `the bundle has ${wrong.join(', ')}, and the inventory asks for Kubernetes ${version}`,
    why: 'where there is a bundle nothing comes from elsewhere, and a cluster is of one version',
    fix: 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR',
  });
}

/** What of a bundle a node gets: files and images of its architecture that its role needs. */
export function bundledFor(
  bundle: Bundle,
  node: { readonly architecture: string; readonly controlPlane: boolean },
): {
  readonly files: readonly Extract<Artifact, { kind: 'file' }>[];
  readonly images: readonly Extract<Artifact, { kind: 'image' }>[];
} {
  const own = goArchitecture(node.architecture);
  const fitting = bundle.artifacts.filter(({ architecture = own }) => architecture === own);
  return {
    files: fitting.filter((artifact) => artifact.kind === 'file'),
    images: fitting
      .filter((artifact) => artifact.kind === 'image')
      .filter(({ reference }) => node.controlPlane || !ofControlPlanes.test(reference)),
  };
}
