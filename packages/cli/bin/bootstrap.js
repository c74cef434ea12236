#!/usr/bin/env node
// Plain JavaScript, so that Node starts it without loading its TypeScript stripper: what it imports
// comes from the compile cache.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Beside the installed packages, not in the shared temporary folder, where others could write.
const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));
if (existsSync(packages)) enableCompileCache(`${packages}/.cache/skerry`);

const { main } = await import('@skerry/cli');
process.exitCode = await main(process.argv.slice(2));
