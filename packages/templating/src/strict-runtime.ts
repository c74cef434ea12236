import { nearest, type Diagnostic } from '@skerry/diagnostics';
import Handlebars from 'handlebars/dist/handlebars.js';
import { blocks, HelperFault, helpers, isPrintable, kindOf, type HelperSpec } from './builtins.ts';
import { templateError } from './source.ts';
import { internal, siteOption, type Site } from './strict-tree.ts';

/** Stands for a value that is missing and has been reported. */
const missing = Symbol('missing');

type Options = Handlebars.HelperOptions;

/**
 * The helpers that rewritten templates call. What goes wrong is reported once for each place, and
 * rendering goes on, so that one run finds all of it.
 */
export class StrictRuntime {
  readonly handlebars = Handlebars.create();
  readonly sites: Site[] = [];
  #reported = new Map<number, Diagnostic>();

  constructor() {
    const { handlebars } = this;
    const builtin = { ...handlebars.helpers } as Record<string, Handlebars.HelperDelegate>;
    for (const name of Object.keys(builtin)) {
      if (name !== 'helperMissing' && name !== 'blockHelperMissing')
        handlebars.unregisterHelper(name);
    }
    handlebars.registerHelper(internal.get, (base: unknown, site: number) => this.#get(base, site));
    handlebars.registerHelper(internal.maybe, (base: unknown, site: number) =>
      this.#find(base, site),
    );
    handlebars.registerHelper(internal.print, (value: unknown, site: number) =>
      this.#print(value, site),
    );
    for (const [name, spec] of helpers) {
      handlebars.registerHelper(name, (...values: unknown[]) => this.#call(name, spec, values));
    }
    for (const name of blocks.keys()) {
      const run = builtin[name];
      if (run === undefined) throw new Error(`Handlebars has no ${name}`);
      const report = this.#badEach.bind(this);
      handlebars.registerHelper(name, function block(this: unknown, ...values: unknown[]) {
        const [value, options] = [values[0], values.at(-1) as Options];
        if (value === missing) return '';
        if (name === 'each' && report(value, options)) return '';
        const { [siteOption]: _, ...hash } = options.hash as Record<string, unknown>;
        return run.call(this, value, { ...options, hash }) as unknown;
      });
    }
  }

  /** Renders; gives the text and what was wrong. */
  collect(render: () => string): { readonly text: string; readonly found: readonly Diagnostic[] } {
    this.#reported = new Map();
    const text = render();
    return { text, found: [...this.#reported.values()] };
  }

  #report(
    site: number,
    code: string,
    what: (site: Site) => string,
    rest: (site: Site) => { readonly why?: string; readonly fix?: string | undefined },
  ): typeof missing {
    const place = this.sites[site];
    if (place === undefined) throw new Error(`a template has no site ${site}`);
    if (!this.#reported.has(site)) {
      this.#reported.set(site, templateError(code, what(place), place.at, rest(place)));
    }
    return missing;
  }

  /** undefined where it is not there; `missing` where that has been told already. */
  #find(base: unknown, site: number): unknown {
    let value = base;
    for (const name of this.sites[site]?.names ?? []) {
      if (value === missing) return missing;
      if (value === null || value === undefined || !Object.hasOwn(Object(value) as object, name)) {
        return undefined;
      }
      value = (value as Record<string, unknown>)[name];
    }
    return value;
  }

  #get(base: unknown, site: number): unknown {
    const value = this.#find(base, site);
    if (value !== undefined) return value;
    return this.#report(
      site,
      'template-missing-variable',
      ({ written }) => `there is no "${written}"`,
      (place) => whyMissing(base, place),
    );
  }

  #print(value: unknown, site: number): string {
    if (value === missing) return '';
    if (isPrintable(value)) return String(value);
    this.#report(
      site,
      'template-not-text',
      ({ written }) => `"${written}" is ${kindOf(value)} and cannot be printed`,
      ({ written }) => ({
        why: 'only texts, numbers, true and false are printed as they are',
        fix:
          value === null
            ? `{{default ${written} "…"}}`
            : `{{join ${written} ", "}}, {{json ${written}}} or {{#each ${written}}}`,
      }),
    );
    return '';
  }

  #call(name: string, spec: HelperSpec, given: readonly unknown[]): unknown {
    const { hash } = given.at(-1) as Options;
    const { [siteOption]: site, ...named } = hash as Record<string, unknown>;
    const values = given.slice(0, -1);
    if ([...values, ...Object.values(named)].includes(missing)) return missing;
    try {
      return spec.run(values, named);
    } catch (error) {
      if (!(error instanceof HelperFault)) throw error;
      return this.#report(
        site as number,
        'template-arguments',
        () => `${name} ${error.message}`,
        () => ({}),
      );
    }
  }

  #badEach(value: unknown, options: Options): boolean {
    if (value !== null && typeof value === 'object') return false;
    this.#report(
      options.hash[siteOption] as number,
      'template-arguments',
      () => `#each goes through a list or a map, not through ${kindOf(value)}`,
      () => ({}),
    );
    return true;
  }
}

function whyMissing(
  base: unknown,
  { names, base: from, written }: Site,
): {
  why?: string;
  fix?: string;
} {
  let value = base;
  const path = from === '' ? [] : [from];
  for (const name of names) {
    const here = path.length === 0 ? 'here' : `in "${path.join('.')}"`;
    if (value === null || typeof value !== 'object') {
      const subject = path.length === 0 ? 'what it is looked up in' : `"${path.join('.')}"`;
      return { why: `${subject} is ${kindOf(value)}` };
    }
    if (!Object.hasOwn(value, name)) {
      const known = Object.keys(value);
      const near = nearest(name, known);
      return {
        why: `"${name}" is not among the names ${here}: ${list(known)}`,
        fix:
          near === undefined
            ? `define it, or write (default ${written} …)`
            : `did you mean "${near}"?`,
      };
    }
    value = (value as Record<string, unknown>)[name];
    path.push(name);
  }
  return { why: `"${written}" has no value`, fix: `define it, or write (default ${written} …)` };
}

function list(names: readonly string[]): string {
  if (names.length === 0) return '(none)';
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, … (${names.length})` : shown;
}
