export type { Artifact, Bundle } from '@skerry/steps';
export { checkFiles } from './check-files.ts';
export { openBundle, type OpenBundle } from './open.ts';
export { bundledTexts, type RenderingOptions } from './rendering.ts';
export { bundleSchemaText } from './schema.ts';
export { readImageArchive, type ImageArchive } from './oci/archive.ts';
export {
  fileDigest,
  writeImageArchive,
  type ImageSettings,
  type WrittenImage,
} from './oci/image.ts';
export { writeLayer, type LayerEntry } from './oci/layer.ts';
export { verifyBundle, type VerifiedBundle, type VerifyOptions } from './verify.ts';
export { createBundle, type CreateEvent, type CreateOptions } from './create/create.ts';
