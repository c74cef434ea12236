import { writeFileSync } from 'node:fs';
import { rulesPage } from './rules-page.ts';
import { verifyPage } from './verification/verify-page.ts';

writeFileSync(new URL('../../../docs/check.md', import.meta.url), rulesPage());
writeFileSync(new URL('../../../docs/verify.md', import.meta.url), verifyPage());
