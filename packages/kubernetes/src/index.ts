export { probeImage } from './verification/probe-image.ts';
export { containerdConfigVersion, registryHosts } from './container-runtime.ts';
export { pauseImageOf } from './pause-image.ts';
export { namesByAddress } from './host-names.ts';
export { twinsOf, type Twin } from './identity.ts';
export { modulesFor, type ProxyMode } from './kernel-modules.ts';
export { parameterRule, parametersFor, type Parameters } from './kernel-parameters.ts';
export { kernelAtLeast, oldestKernel } from './kernel-version.ts';
export { hostPackages, nodePackages } from './node-packages.ts';
export { bundledPackages, packagesStep } from './bundled-packages.ts';
export { packageSets, type KnownHost, type PackageSet } from './bundle-content/package-sets.ts';
export { distributions, type DistributionRepositories } from './matrix/distributions.ts';
export { checkCluster, type CheckOptions } from './check.ts';
export { componentOf, components, type Component } from './matrix/components.ts';
export {
  kubernetesReleases,
  releaseOf,
  type KubernetesRelease,
} from './matrix/kubernetes-releases.ts';
export { proxyModeOf, proxyModes, type ProxyModeEntry } from './matrix/proxy-modes.ts';
export { overlayOf, type Overlay } from './overlay.ts';
export { ruleGroups, rules } from './rules/all-rules.ts';
export type { NodeFacts, Rule } from './rules/rule.ts';
export { clusterDns, dnsServiceAddress, nodeLocalAddress } from './kubeadm/cluster-dns.ts';
export {
  clusterConfiguration,
  kubeletConfigFolder,
  initConfiguration,
  joinConfiguration,
  kubeletConfiguration,
  kubeletSettings,
  kubeProxyConfiguration,
  type JoinFacts,
} from './kubeadm/configuration.ts';
export { bundledImages, type ImageHost } from './bundled-images.ts';
export {
  bundledFor,
  bundledKubelet,
  goArchitecture,
  packagesKeyFingerprint,
  packagesOf,
  programPackages,
} from './programs.ts';
export { endpointInterface, keepalivedSteps, type EndpointHost } from './endpoint/keepalived.ts';
export { kubeVipSteps } from './endpoint/kube-vip.ts';
export { kubeletUnits } from './kubeadm/kubelet-units.ts';
export { joinPlaceholders } from './kubeadm/join-values.ts';
export { membershipOf, runningControlPlanes, type MemberFacts } from './kubeadm/membership-of.ts';
export { resetOf } from './kubeadm/reset-of.ts';
export { forgottenKind } from './kinds/forgotten.ts';
export { resetKind } from './kinds/reset.ts';
export { controlPlaneOf } from './kubeadm/control-plane-of.ts';
export { controlPlaneKind } from './kinds/control-plane.ts';
export { patchesKind } from './kinds/patches.ts';
export { patchSteps } from './kubeadm/patch-steps.ts';
export { membershipKind } from './kinds/membership.ts';
export { apiServerPort, controlPlaneEndpoint, controlPlanesOf } from './kubeadm/endpoint.ts';
export { objectsText, type KubernetesObject } from './objects/kubernetes-object.ts';
export { metallbObjects, peerSecretName } from './objects/metallb.ts';
export { networkPolicies } from './objects/network-policies.ts';
export { artifact, artifactKind, type ArtifactOptions } from './kinds/artifact.ts';
export { images, imagesKind } from './kinds/images.ts';
export { unreadChart, unreadManifest } from './cluster-objects/unread.ts';
export { objects, objectsKind } from './kinds/objects.ts';
export {
  clusterObjectGroups,
  clusterObjects,
  type ClusterContext,
} from './cluster-objects/cluster-objects.ts';
export { routes, routesKind } from './kinds/routes.ts';
export { networkSteps } from './networks/network-steps.ts';
export type { NetworkHost } from './networks/network-host.ts';
export { clusterVerification } from './verification/cluster-verification.ts';
export { checks } from './verification/all-checks.ts';
export { proxyLeftovers, proxyLeftoversKind } from './kinds/proxy-leftovers.ts';
export { bundleContent, type ContentItem, type ContentOptions } from './bundle-content/content.ts';
export { imagesBesideObjects, imagesOf, kubeadmImages } from './bundle-content/images.ts';
export { replaceOrigin } from './bundle-content/replace-origin.ts';
export { isAllowed } from './endpoints/allowed.ts';
export { contactsOf, type ContactOptions, type Contacts } from './endpoints/contacts.ts';
export type { Contact, Unsaid } from './endpoints/endpoint.ts';
