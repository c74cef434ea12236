import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { TemplateLoader } from './source.ts';

/**
 * Templates that lie in folders; where two have the same name, the first folder wins. Names are
 * relative to a folder and stay inside it.
 */
export function folderTemplates(folders: readonly string[]): TemplateLoader {
  const load = (name: string): { text: string; path: string } | undefined => {
    const inside = normalize(name);
    if (inside.startsWith('/') || inside.split('/').includes('..')) return undefined;
    const path = folders
      .map((folder) => join(folder, inside))
      .find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
    return path === undefined ? undefined : { text: readFileSync(path, 'utf8'), path };
  };
  const names = (): string[] =>
    folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      .filter((name) => name.endsWith('.hbs'));
  return Object.assign(load, { names, folders });
}
