// Fetches what upstream's charts and definitions are compared with, so that no test of them is skipped.
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { upstreamModule, upstreamModules } from '../packages/kubernetes/test/upstream-modules.ts';

const missing = upstreamModules.filter((module) => {
  const at = module.lastIndexOf('@');
  return upstreamModule(module.slice(0, at), module.slice(at + 1)) === undefined;
});
if (missing.length > 0) {
  execFileSync('go', ['mod', 'download', ...missing], { cwd: tmpdir(), stdio: 'inherit' });
}
