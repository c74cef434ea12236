import { isUtf8 } from 'node:buffer';
import { join, normalize } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import { unreadChart, unreadManifest } from '@skerry/kubernetes';
import type { Facts } from '@skerry/runbook';
import type { FileContent, ResolveContext } from '@skerry/steps';
import { createTemplates, type TemplateLoader } from '@skerry/templating';
import { sourceFolders, templateVariables } from '../templates.ts';
import type { SourceTree } from './source-tree.ts';

/**
 * The templates and files of a revision, and which of them were used. `instead` gives another
 * revision's content for some paths: to see what one of them alone changes.
 */
export class TreeSources {
  readonly #tree: SourceTree;
  readonly #folders: readonly string[];
  readonly #instead: ReadonlyMap<string, Buffer | undefined>;
  readonly #used = new Map<string, Buffer | undefined>();

  constructor(
    tree: SourceTree,
    runbook: string,
    instead: ReadonlyMap<string, Buffer | undefined> = new Map(),
  ) {
    this.#tree = tree;
    this.#folders = sourceFolders(runbook);
    this.#instead = instead;
  }

  /** Every path that was looked at, with what is there. */
  get used(): ReadonlyMap<string, Buffer | undefined> {
    return this.#used;
  }

  /** The same files, some of them otherwise. */
  with(runbook: string, instead: ReadonlyMap<string, Buffer | undefined>): TreeSources {
    return new TreeSources(this.#tree, runbook, instead);
  }

  /** What `templatesFor` gives for the files on disk. */
  contexts(): (inventory: Inventory, host: Host, facts: Facts) => ResolveContext {
    const templates = createTemplates(this.#loader());
    const files = new Map<string, FileContent>();
    return (inventory, host, facts) => {
      const variables = templateVariables(inventory, host, facts);
      return {
        render: (template, extra) => templates.render(template, { ...variables, ...extra }),
        source: (name) => {
          const content = files.get(name) ?? this.#source(name);
          files.set(name, content);
          return content;
        },
        manifest: unreadManifest,
        chart: unreadChart,
      };
    };
  }

  #read(path: string): Buffer | undefined {
    const bytes = this.#instead.has(path) ? this.#instead.get(path) : this.#tree.read(path);
    this.#used.set(path, bytes);
    return bytes;
  }

  #loader(): TemplateLoader {
    const folders = this.#folders.map((folder) => join(folder, 'templates'));
    const load = (name: string): { text: string; path: string } | undefined => {
      const inside = normalize(name);
      if (inside.startsWith('/') || inside.split('/').includes('..')) return undefined;
      for (const folder of folders) {
        const path = join(folder, inside);
        const bytes = this.#read(path);
        if (bytes !== undefined)
          return { text: bytes.toString('utf8'), path: this.#tree.called(path) };
      }
      return undefined;
    };
    const names = (): string[] =>
      folders.flatMap((folder) => this.#tree.below(folder).filter((name) => name.endsWith('.hbs')));
    return Object.assign(load, { names, folders });
  }

  #source(name: string): FileContent {
    const candidates = name.startsWith('/')
      ? [name]
      : this.#folders.flatMap((folder) => [join(folder, name), join(folder, 'files', name)]);
    for (const path of candidates) {
      const bytes = this.#read(path);
      if (bytes === undefined) continue;
      return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') };
    }
    throw new DiagnosticError({
      code: 'source-missing',
      severity: 'error',
      what: `there is no file ${name} at ${this.#tree.name}`,
      why: `looked for ${candidates.join(', ')}`,
      fix: 'commit it with the runbook that names it',
    });
  }
}
