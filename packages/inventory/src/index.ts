export { isHostName, parseJump, type Jump } from './addresses.ts';
export {
  describeHost,
  describeTree,
  type DescribedHost,
  type DescribedValue,
  type Tree,
  type TreeGroup,
  type TreeHost,
} from './describe.ts';
export { inventoryFile } from './file-schema.ts';
export { patchTargets } from './kubernetes/kubeadm.ts';
export type { CniSettings } from './kubernetes/cni.ts';
export type { CiliumBalancerSettings, MetallbSettings } from './kubernetes/load-balancer.ts';
export type { PolicySettings } from './kubernetes/policies.ts';
export { kubernetesSettings, type KubernetesSettings } from './kubernetes/settings.ts';
export { inventoryJsonSchema, inventoryJsonSchemaText } from './json-schema.ts';
export { loadInventory } from './load.ts';
export { readCheckedYaml, type CheckedYaml } from './checked-yaml.ts';
export { childPath } from './merge.ts';
export type { Group, Host, Inventory, Json, Origin } from './model.ts';
export { parseInventory, type ParseOptions } from './parse.ts';
export { expandRanges, type Expansion } from './ranges.ts';
export {
  resolveSecrets,
  type ResolvedSecrets,
  type ResolveSecretsOptions,
} from './resolve-secrets.ts';
export {
  connectionSettings,
  labSettings,
  nodeSettings,
  secretReference,
  type ConnectionSettings,
  type LabSettings,
  type NodeSettings,
} from './schema.ts';
export { connectionSecrets, referenceOf, secretToken } from './secret-token.ts';
export { selectHosts, type SelectOptions } from './selection.ts';
