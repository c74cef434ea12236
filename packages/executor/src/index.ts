export { SecretBook } from './secret-book.ts';
export type {
  Connector,
  Endpoint,
  HostKeyPolicy,
  Part,
  PartResult,
  RunOptions,
  RunResult,
  Session,
  Shell,
  SshEndpoint,
  SudoSettings,
} from './shell.ts';
export { createConnector, type ConnectorOptions } from './connector.ts';
export { posixQuote } from './posix-quote.ts';
export { renderScript, type ScriptOptions } from './script.ts';
export type { UploadFile, UploadOptions, UploadResult } from './upload.ts';
