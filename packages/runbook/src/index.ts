export {
  play,
  runbook,
  type Play,
  type PlayContext,
  type PlayOptions,
  type Runbook,
} from './dsl.ts';
export {
  failure,
  hostOutcome,
  hostRecap,
  countSchema,
  runEvent,
  type Failure,
  type HostOutcome,
  type HostRecap,
  type RunEvent,
} from './events.ts';
export type { Disk, Facts, Interface, Membership } from './facts.ts';
export {
  countPlan,
  isEmpty,
  isHostPlanEmpty,
  type Confidence,
  type HandlerPlan,
  type HostPlan,
  type Plan,
  type PlanCount,
  type PlayPlan,
  type StepPlan,
} from './plan.ts';
export { changeSchema, handlerSchema, planSchema, stepSchema } from './plan-schema.ts';
export type { RunOutcome, RunRequest } from './request.ts';
export { loadRunbook } from './load-runbook.ts';
export { gatherFacts, type FactsAnswer } from './gather-facts.ts';
export { HostFailure, HostLink, hostFailure } from './host-link.ts';
export { run } from './run.ts';
export type { HostObservation } from './observation.ts';
export type { PlanToApply } from './plan-file/admit.ts';
export { comparePlan, movedDiagnostics, type FreshState, type Moved } from './plan-file/compare.ts';
export { planFileText, sha256 } from './plan-file/digest.ts';
export { encodePlanFile, type PlanFileInput } from './plan-file/encode.ts';
export { planKey, planKeyVariable, type PlanKey } from './plan-file/plan-key.ts';
export { readPlanFile, type SavedPlan } from './plan-file/read.ts';
export {
  planFileSchema,
  planFileSchemaText,
  planFileVersion,
  type PlanFile,
} from './plan-file/schema.ts';
export { planUsed, usedSince } from './plan-file/used.ts';
export { cachedFacts } from './facts-cache.ts';
export { compareDesired, type StepDelta } from './desired/compare-desired.ts';
export {
  DesiredFleet,
  type DesiredSource,
  type DesiredStep,
  type HostDesired,
} from './desired/desired-state.ts';
export { CauseFinder, type SourceEdit } from './desired/causes.ts';
export {
  explainStep,
  type ExplainedStep,
  type ExplainedValue,
  type StepInput,
} from './desired/explain-step.ts';
export { neutralFacts, neutralFactsText } from './desired/neutral-facts.ts';
export type { AnyVerification } from './verification/checking.ts';
export type { CheckReport } from './verification/report.ts';
export type { ChecksOutcome } from './verification/run-checks.ts';
export { verifyCluster, type VerifyRequest } from './verification/verify-cluster.ts';
export {
  judgePlan,
  type JudgeOptions,
  type PolicyFinding,
  type PolicyVerdict,
} from './policy/judge.ts';
export { policySchema, policySchemaText, type Policy } from './policy/schema.ts';
export { earlierRunbook, findDrift, type Drift, type DriftCause } from './drift/drift.ts';
export { lastApply, writeJournal, type AskedHost, type JournalEntry } from './drift/journal.ts';
