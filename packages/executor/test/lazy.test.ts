import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const index = join(import.meta.dirname, '../src/index.ts');

/** The packages that loading the executor resolves, and then connecting to this machine. */
const program = `
import { registerHooks } from 'node:module';
const seen = new Set();
registerHooks({
  resolve(name, context, next) {
    seen.add(name.split('/')[0]);
    return next(name, context);
  },
});
const packages = () => ['zx', 'node-ssh', 'ssh2'].filter((name) => seen.has(name));
const { createConnector, SecretBook } = await import(${JSON.stringify(index)});
const connector = createConnector({ secrets: new SecretBook() });
const before = packages();
const session = await connector.connect({ transport: 'local', name: 'here', sudo: {} });
const after = packages();
await session.close();
await connector.close();
console.log(JSON.stringify({ before, after }));
`;

test('what only one kind of host needs is not loaded before there is one', () => {
  const words = ['--input-type=module', '--eval', program];
  const out = execFileSync(process.execPath, words, { encoding: 'utf8' });
  expect(JSON.parse(out)).toEqual({ before: [], after: ['zx'] });
});
