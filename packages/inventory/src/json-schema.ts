import { z } from 'zod';
import { inventoryFile } from './file-schema.ts';

/** The JSON Schema (draft 7, what editors read) of an inventory file as the user writes it. */
export function inventoryJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(inventoryFile, { target: 'draft-7', io: 'input' }) as Record<
    string,
    unknown
  >;
}

/** The text of `inventory.schema.json`. */
export function inventoryJsonSchemaText(): string {
  return `${JSON.stringify(inventoryJsonSchema(), null, 2)}\n`;
}
