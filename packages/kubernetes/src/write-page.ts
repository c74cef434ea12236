import { writeFileSync } from 'node:fs';
import { rulesPage } from './rules-page.ts';

writeFileSync(new URL('../../../docs/check.md', import.meta.url), rulesPage());
