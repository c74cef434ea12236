import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/**
 * Puts what a user's runbooks and templates lie beside into the built package, `dist` by default:
 * runbooks/ as JavaScript, since Node strips no types below node_modules, and templates/ as they are.
 */
const root = resolve(import.meta.dirname, '../..');
const to = resolve(process.argv[2] ?? join(import.meta.dirname, 'dist'));

for (const folder of ['runbooks', 'templates']) {
  rmSync(join(to, folder), { recursive: true, force: true });
}
cpSync(join(root, 'templates'), join(to, 'templates'), { recursive: true });
cpSync(join(root, 'runbooks'), join(to, 'runbooks'), {
  recursive: true,
  filter: (path) =>
    !/\.ts$|^\.|^node_modules$|^(tsconfig\.build|package)\.json$/.test(basename(path)),
});
execFileSync(
  join(root, 'node_modules/.bin/tsc'),
  ['-p', join(root, 'runbooks/tsconfig.build.json'), '--outDir', join(to, 'runbooks')],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
