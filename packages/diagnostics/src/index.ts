export {
  DiagnosticError,
  FaultError,
  ExitCode,
  type Diagnostic,
  type HostPosition,
  type SourcePosition,
} from './diagnostic.ts';
export { formatDiagnostic, formatPosition } from './format.ts';
export { didYouMean, nearest } from './nearest.ts';
export { alternatives, typeName } from './value-words.ts';
