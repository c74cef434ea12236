import { writeFileSync } from 'node:fs';
import { inventoryJsonSchemaText } from './json-schema.ts';

writeFileSync(new URL('../inventory.schema.json', import.meta.url), inventoryJsonSchemaText());
