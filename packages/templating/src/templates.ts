import { didYouMean, DiagnosticError } from '@skerry/diagnostics';
import { parseTemplate } from './parse-template.ts';
import type { TemplateLoader, TemplateText } from './source.ts';
import { StrictRuntime } from './strict-runtime.ts';
import { StrictTree } from './strict-tree.ts';

export interface Templates {
  /**
   * The text of the template with the values of `context` in it. Throws a DiagnosticError with all
   * that is missing or wrong, each with file, line and column.
   */
  render(name: string, context: Readonly<Record<string, unknown>>): string;
}

/**
 * Templates in Handlebars, strict: nothing is missing silently, nothing is escaped. Pure apart from
 * `load`, which is asked once for each name.
 */
export function createTemplates(load: TemplateLoader): Templates {
  const runtime = new StrictRuntime();
  const compiled = new Map<string, (context: unknown) => string>();
  const sources = new Map<string, TemplateText | undefined>();

  const sourceOf = (name: string): TemplateText | undefined => {
    if (!sources.has(name)) sources.set(name, load(name));
    return sources.get(name);
  };

  /** Beside the template that names it, else from the top; with or without `.hbs`. */
  const partialOf =
    (from: string) =>
    (name: string): string | undefined => {
      const folder = from.includes('/') ? from.slice(0, from.lastIndexOf('/') + 1) : '';
      const candidates = [`${folder}${name}.hbs`, `${folder}${name}`, `${name}.hbs`, name];
      return candidates.find((candidate) => sourceOf(candidate) !== undefined);
    };

  const compile = (name: string): ((context: unknown) => string) => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const trees = new Map<string, hbs.AST.Program>();
    const failures: DiagnosticError[] = [];
    const visit = (each: string): void => {
      const source = sourceOf(each);
      if (trees.has(each) || source === undefined) return;
      try {
        const program = parseTemplate(source);
        trees.set(each, program);
        const partials = new Set<string>();
        const tree = new StrictTree(source, runtime.sites, (partial) => {
          const full = partialOf(each)(partial);
          if (full !== undefined) partials.add(full);
          return full;
        });
        tree.rewrite(program);
        if (tree.diagnostics.length > 0) failures.push(new DiagnosticError(tree.diagnostics));
        for (const partial of partials) visit(partial);
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        failures.push(error);
      }
    };
    visit(name);
    if (failures.length > 0) {
      throw new DiagnosticError(failures.flatMap(({ diagnostics }) => diagnostics));
    }
    for (const [each, program] of trees) {
      if (compiled.has(each)) continue;
      const template = runtime.handlebars.compile(program, { noEscape: true });
      runtime.handlebars.registerPartial(each, template);
      compiled.set(each, template);
    }
    const own = compiled.get(name);
    if (own === undefined) throw unknownTemplate(name, load);
    return own;
  };

  return {
    render: (name, context) => {
      const template = compile(name);
      const { text, found } = runtime.collect(() => rendered(name, template, context));
      if (found.length > 0) throw new DiagnosticError(found);
      return text;
    },
  };
}

function rendered(name: string, template: (context: unknown) => string, context: unknown): string {
  try {
    return template(context);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DiagnosticError({
      code: 'template-endless',
      severity: 'error',
      what: `the template "${name}" never ends`,
      why: 'a partial includes itself, directly or by way of another, and no condition stops it',
      fix: 'put an {{#if}} around the inner {{> …}}',
    });
  }
}

function unknownTemplate(name: string, load: TemplateLoader): DiagnosticError {
  const near = didYouMean(name, load.names?.() ?? []);
  const [first, ...others] = load.folders ?? [];
  const put = first === undefined ? undefined : `put it at ${first}/${name}`;
  const fix = [near, put].filter((text) => text !== undefined).join(' or ');
  return new DiagnosticError({
    code: 'unknown-template',
    severity: 'error',
    what: `there is no template "${name}"`,
    ...(first === undefined ? {} : { why: `looked for it in ${[first, ...others].join(', ')}` }),
    ...(fix === '' ? {} : { fix }),
  });
}
