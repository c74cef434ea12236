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
