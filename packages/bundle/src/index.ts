export type { Artifact, Bundle } from '@skerry/steps';
export { openBundle, type OpenBundle } from './open.ts';
export { bundledTexts, type RenderingOptions } from './rendering.ts';
export { bundleSchemaText } from './schema.ts';
