export { artifactFields } from './artifact-fields.ts';
export type { Artifact, Bundle } from './bundle.ts';
export type {
  Check,
  CheckPlace,
  Finding,
  OutsideAnswer,
  OutsideCall,
  Verdict,
  Verification,
} from './check.ts';
export { summarizeChange, type Change } from './change.ts';
export {
  artifactStore,
  sh,
  type Arg,
  type ArtifactFile,
  type Fragment,
  type PlainArg,
  type ReadOn,
} from './fragment.ts';
export { handler, reload, restart } from './handlers.ts';
export {
  stepId,
  type AnyStepKind,
  type FileContent,
  type ChartOptions,
  type Handler,
  type ProbeOutput,
  type ResolveContext,
  type Step,
  type StepKind,
  type StepOptions,
} from './kind.ts';
export { resolveArg } from './resolve-arg.ts';
export { textDiff } from './text-diff.ts';
export { alongsideFile } from './alongside.ts';
export { importLine } from './import-line.ts';
export { waits } from './waits.ts';
export { sysctl, sysctlKind } from './kinds/sysctl.ts';
export { absolutePath, accountName, fileMode } from './absolute-path.ts';
export { atomicFile } from './atomic-file.ts';
export { splitOptions } from './step-options.ts';
export { absent, absentKind, type AbsentOptions } from './kinds/absent.ts';
export { directory, directoryKind, type DirectoryOptions } from './kinds/directory.ts';
export { file, fileKind, type FileOptions } from './kinds/file.ts';
export { symlink, symlinkKind } from './kinds/symlink.ts';
export { template, templateKind, type TemplateOptions } from './kinds/template.ts';
export { blockQueue, blockQueueKind } from './kinds/block-queue.ts';
export { filesystem, filesystemKind } from './kinds/filesystem.ts';
export { gate, gateKind } from './kinds/gate.ts';
export { hostname, hostnameKind } from './kinds/hostname.ts';
export { kernelCommandLine, kernelCommandLineKind } from './kinds/kernel-command-line.ts';
export { kernelModules, kernelModulesKind } from './kinds/kernel-modules.ts';
export { mount, mountKind } from './kinds/mount.ts';
export { packages, packageKind, type Archive } from './kinds/package.ts';
export { packageRepository, packageRepositoryKind } from './kinds/package-repository.ts';
export { reboot, rebootKind } from './kinds/reboot.ts';
export { service, serviceKind } from './kinds/service.ts';
export { swap, swapKind } from './kinds/swap.ts';
export { timeSync, timeSyncKind } from './kinds/time-sync.ts';
export { compareReleases } from './kernel-release.ts';
export { block, blockKind, type BlockOptions } from './kinds/block.ts';
export { command, commandKind, type CommandOptions } from './kinds/command.ts';
export { hostsEntries, hostsEntriesKind } from './kinds/hosts-entries.ts';
export {
  authorizedKeys,
  authorizedKeysKind,
  type AuthorizedKeysOptions,
} from './kinds/authorized-keys.ts';
export { user, userKind, type UserOptions } from './kinds/user.ts';
