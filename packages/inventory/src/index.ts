export type { Group, Host, Inventory, Json, Origin } from './model.ts';
export type { ConnectionSettings, LabSettings, NodeSettings } from './schema.ts';
