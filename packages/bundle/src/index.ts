export type { Artifact, Bundle } from '@skerry/steps';
