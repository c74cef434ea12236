import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const index = join(import.meta.dirname, '../src/index.ts');

/** The packages that loading the executor resolves, and then connecting to this machine. */
const program = `
import { registerHooks } from 'node:module';
const seen = [];
registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
const { createConnector, SecretBook } = await import(${JSON.stringify(index)});
const before = seen.includes('zx');
const connector = createConnector({ secrets: new SecretBook() });
const session = await connector.connect({ transport: 'local', name: 'here', sudo: {} });
await session.close();
await connector.close();
console.log(JSON.stringify({ before, after: seen.includes('zx') }));
`;

test('what only a local host needs is not loaded before there is one', () => {
  const words = ['--input-type=module', '--eval', program];
  const out = execFileSync(process.execPath, words, { encoding: 'utf8' });
  expect(JSON.parse(out)).toEqual({ before: false, after: true });
});
