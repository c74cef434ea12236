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
