import { existsSync, writeFileSync } from 'node:fs';
import { bundleSchemaText } from '@skerry/bundle';
import { planFileSchemaText, policySchemaText } from '@skerry/runbook';
import { eventSchemaText } from './event-lines.ts';

// All schemas that are generated and committed.
const root = new URL('../../../../', import.meta.url);

writeFileSync(new URL('docs/events.schema.json', root), eventSchemaText());
writeFileSync(new URL('docs/policy.schema.json', root), policySchemaText());
writeFileSync(new URL('docs/plan.schema.json', root), planFileSchemaText());
writeFileSync(new URL('docs/bundle.schema.json', root), bundleSchemaText());

const inventory = new URL('packages/inventory/src/write-schema.ts', root);
if (existsSync(inventory)) await import(inventory.href);
