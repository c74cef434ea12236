import { DiagnosticError } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { componentOf, versionOf } from '../matrix/components.ts';
import { hasGateways } from '../networks/gateways.ts';

/** Something at a URL. */
interface Download {
  readonly url: string;
  /** A text that begins with the SHA-256 of it, as upstream publishes it. */
  readonly checksum?: string;
}

/** One thing that a bundle for an inventory holds, and where upstream offers it. */
export type ContentItem =
  /** A file that goes to `install` on nodes as it is. */
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly version: string;
      readonly architecture: string;
      readonly install: string;
      readonly download: Download;
    }
  /** A .tgz whose files, each an artifact of its own, go to the folder `install` on nodes. */
  | {
      readonly kind: 'archive';
      /** `cni`: the artifacts are called `cni-bridge`, `cni-loopback`, … */
      readonly name: string;
      readonly version: string;
      readonly architecture: string;
      readonly install: string;
      /** Names of its files that are no programs. */
      readonly except: readonly string[];
      readonly download: Download;
    }
  /** A program for the operator's machine: the file `member` of a .tgz. */
  | {
      readonly kind: 'tool';
      readonly name: string;
      readonly version: string;
      readonly architecture: string;
      readonly member: string;
      readonly download: Download;
    }
  | {
      readonly kind: 'manifest';
      readonly name: string;
      readonly version: string;
      readonly download: Download;
    }
  /** A chart of a Helm repository, whose `index.yaml` tells its URL and digest. */
  | {
      readonly kind: 'chart';
      readonly name: string;
      readonly version: string;
      readonly repository: string;
    };

/** What objects of the cluster are read from. */
type AddOn = Extract<ContentItem, { kind: 'manifest' | 'chart' }>;

export interface ContentOptions {
  /** Of the nodes, as Go calls them: `amd64`, `arm64`. */
  readonly architectures: readonly string[];
  /** Of the machine that renders charts. */
  readonly toolArchitecture: string;
}

/** helm.sh/helm/v4 v4.3.1; get.helm.sh, read 2026-11-20. */
const helmVersion = '4.3.1';

/**
 * What a bundle for an inventory holds, beside images: those are named by kubeadm and by the objects
 * that manifests and charts make (`controlPlaneImages`, `imagesOf`). Pure.
 * Throws a DiagnosticError where the inventory names no version of Kubernetes.
 */
export function bundleContent(
  inventory: Inventory,
  { architectures, toolArchitecture }: ContentOptions,
): ContentItem[] {
  const { version } = inventory.kubernetes;
  if (version === undefined) throw nothingToBundle(inventory);
  const addOns = addOnsOf(inventory);
  const charts = addOns.some(({ kind }) => kind === 'chart');
  return [
    ...architectures.flatMap((architecture) => [
      ...programs(version, architecture),
      cniPlugins(architecture),
    ]),
    ...addOns,
    ...(charts ? [helm(toolArchitecture)] : []),
  ];
}

/** Manifests and charts that an inventory leads to, each in the version that it asks for or that Skerry takes. */
export function addOnsOf(inventory: Inventory): AddOn[] {
  return [...networkContent(inventory), ...addOnContent(inventory)];
}

function nothingToBundle(inventory: Inventory): DiagnosticError {
  return new DiagnosticError({
    code: 'nothing-to-bundle',
    severity: 'error',
    what: `${inventory.path} names no version of Kubernetes, so there is nothing to bundle`,
    fix: 'write for example "kubernetes: {version: 1.36.3}"',
  });
}

/** dl.k8s.io, kubernetes.io/releases/download. */
function programs(version: string, architecture: string): ContentItem[] {
  return ['kubeadm', 'kubectl', 'kubelet'].map((name) => {
    const url = `https://dl.k8s.io/release/v${version}/bin/linux/${architecture}/${name}`;
    const download = { url, checksum: `${url}.sha256` };
    return { kind: 'file', name, version, architecture, install: `/usr/bin/${name}`, download };
  });
}

/** Every CNI needs some of the plain plugins: `loopback` at least. */
function cniPlugins(architecture: string): ContentItem {
  const { version } = componentOf('routed');
  const url = `https://github.com/containernetworking/plugins/releases/download/v${version}/cni-plugins-linux-${architecture}-v${version}.tgz`;
  return {
    kind: 'archive',
    name: 'cni',
    version,
    architecture,
    install: '/opt/cni/bin',
    except: ['LICENSE', 'README.md'],
    download: { url, checksum: `${url}.sha256` },
  };
}

function helm(architecture: string): ContentItem {
  const url = `https://get.helm.sh/helm-v${helmVersion}-linux-${architecture}.tar.gz`;
  return {
    kind: 'tool',
    name: 'helm',
    version: helmVersion,
    architecture,
    member: `linux-${architecture}/helm`,
    download: { url, checksum: `${url}.sha256sum` },
  };
}

function manifest(name: string, version: string, url: string): AddOn {
  return { kind: 'manifest', name, version, download: { url } };
}

function networkContent({ kubernetes }: Inventory): AddOn[] {
  const { cni } = kubernetes.network;
  switch (cni?.name) {
    case 'cilium': {
      const version = versionOf('cilium', cni.version);
      return [{ kind: 'chart', name: 'cilium', version, repository: 'https://helm.cilium.io' }];
    }
    case 'calico': {
      const version = versionOf('calico', cni.version);
      const folder = `https://raw.githubusercontent.com/projectcalico/calico/v${version}/manifests`;
      return [
        manifest('calico-crds', version, `${folder}/operator-crds.yaml`),
        manifest('calico', version, `${folder}/tigera-operator.yaml`),
      ];
    }
    case 'flannel': {
      const version = versionOf('flannel', cni.version);
      const url = `https://github.com/flannel-io/flannel/releases/download/v${version}/kube-flannel.yml`;
      return [manifest('flannel', version, url)];
    }
    case 'routed':
    case 'weave':
    case undefined:
      return [];
  }
}

function addOnContent({ kubernetes }: Inventory): AddOn[] {
  const { version = '' } = kubernetes;
  const { metallb } = kubernetes.loadBalancer;
  const metallbVersion = versionOf('metallb', metallb?.version);
  const gateway = componentOf('gateway-api').version;
  const envoy = componentOf('envoy-gateway').version;
  return [
    ...(metallb === undefined
      ? []
      : [
          manifest(
            'metallb',
            metallbVersion,
            `https://raw.githubusercontent.com/metallb/metallb/v${metallbVersion}/config/manifests/metallb-native.yaml`,
          ),
        ]),
    ...(kubernetes.dns.nodeLocal
      ? [
          manifest(
            'node-local-dns',
            version,
            `https://raw.githubusercontent.com/kubernetes/kubernetes/v${version}/cluster/addons/dns/nodelocaldns/nodelocaldns.yaml`,
          ),
        ]
      : []),
    ...(hasGateways(kubernetes.ingress)
      ? [
          manifest(
            'gateway-api',
            gateway,
            `https://github.com/kubernetes-sigs/gateway-api/releases/download/v${gateway}/standard-install.yaml`,
          ),
        ]
      : []),
    ...(kubernetes.ingress?.controller === 'envoy-gateway'
      ? [
          manifest(
            'envoy-gateway',
            envoy,
            `https://github.com/envoyproxy/gateway/releases/download/v${envoy}/install.yaml`,
          ),
        ]
      : []),
  ];
}
