export { containerdConfigVersion, registryHosts } from './container-runtime.ts';
export { namesByAddress } from './host-names.ts';
export { twinsOf, type Twin } from './identity.ts';
export { modulesFor, type ProxyMode } from './kernel-modules.ts';
export { parametersFor, type Parameters } from './kernel-parameters.ts';
export { kernelAtLeast, oldestKernel } from './kernel-version.ts';
export { containerdPackage, nodePackages } from './node-packages.ts';
