import { existsSync, writeFileSync } from 'node:fs';
import { eventSchemaText } from './event-lines.ts';

// All schemas that are generated and committed.
const root = new URL('../../../../', import.meta.url);

writeFileSync(new URL('docs/events.schema.json', root), eventSchemaText());

const inventory = new URL('packages/inventory/src/write-schema.ts', root);
if (existsSync(inventory)) await import(inventory.href);
