export { summarizeChange, type Change } from './change.ts';
export { sh, type Arg, type Fragment } from './fragment.ts';
export { handler, reload, restart } from './handlers.ts';
export {
  stepId,
  type AnyStepKind,
  type FileContent,
  type Handler,
  type ProbeOutput,
  type ResolveContext,
  type Step,
  type StepKind,
  type StepOptions,
} from './kind.ts';
export { resolveArg } from './resolve-arg.ts';
export { textDiff } from './text-diff.ts';
export { sysctl, sysctlKind } from './kinds/sysctl.ts';
export { absolutePath, accountName, fileMode } from './absolute-path.ts';
export { atomicFile } from './atomic-file.ts';
export { splitOptions } from './step-options.ts';
export { absent, absentKind, type AbsentOptions } from './kinds/absent.ts';
export { directory, directoryKind, type DirectoryOptions } from './kinds/directory.ts';
export { file, fileKind, type FileOptions } from './kinds/file.ts';
export { symlink, symlinkKind } from './kinds/symlink.ts';
export { template, templateKind, type TemplateOptions } from './kinds/template.ts';
