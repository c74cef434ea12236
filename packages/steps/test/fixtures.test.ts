import { testKinds } from './harness/kind-tests.ts';

await testKinds({
  kinds: new URL('../src/kinds/', import.meta.url),
  fixtures: new URL('fixtures/', import.meta.url),
});
