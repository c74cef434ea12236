export { containerdConfigVersion, registryHosts } from './container-runtime.ts';
export { identityConflicts, type IdentityConflict } from './identity.ts';
export { modulesFor, type ProxyMode } from './kernel-modules.ts';
export { parametersFor, type Parameters } from './kernel-parameters.ts';
export { kernelAtLeast } from './kernel-version.ts';
export { containerdPackage, nodePackages } from './node-packages.ts';
