import { didYouMean, type Diagnostic, type SourcePosition } from '@skerry/diagnostics';
import { blocks, helpers } from './builtins.ts';
import { positionOf, templateError, type TemplateText } from './source.ts';

/** A place in a template that may turn out wrong only when it is rendered. */
export interface Site {
  readonly at: SourcePosition;
  /** As written: `host.name`, or the helper's name. */
  readonly written: string;
  /** The names to follow, one after the other. */
  readonly names: readonly string[];
  /** What the first name is looked up in, for messages. */
  readonly base: string;
}

/** Names of the helpers that the rewritten tree calls; no template can write them. */
export const internal = { get: ':get', maybe: ':maybe', print: ':print' } as const;
/** The option that tells a helper its site. */
export const siteOption = ':site';

/**
 * Rewrites a parsed template so that each variable is looked up by `:get`, which knows its place, and
 * each value is printed by `:print`. Finds in the same walk what is wrong without any value: unknown
 * helpers, wrong numbers of values, and parts of Handlebars that templates do without.
 */
export class StrictTree {
  readonly diagnostics: Diagnostic[] = [];
  readonly #source: TemplateText;
  readonly #sites: Site[];
  readonly #partial: (name: string) => string | undefined;

  /** `partial` gives the full name of a partial, or undefined where there is none. */
  constructor(source: TemplateText, sites: Site[], partial: (name: string) => string | undefined) {
    this.#source = source;
    this.#sites = sites;
    this.#partial = partial;
  }

  rewrite(program: hbs.AST.Program): void {
    this.#program(program, []);
  }

  #program(program: hbs.AST.Program | undefined, scope: readonly string[]): void {
    const inner = [...scope, ...(program?.blockParams ?? [])];
    for (const statement of program?.body ?? []) this.#statement(statement, inner);
  }

  #statement(statement: hbs.AST.Statement, scope: readonly string[]): void {
    switch (statement.type) {
      case 'ContentStatement':
      case 'CommentStatement':
        return;
      case 'MustacheStatement':
        this.#mustache(statement as hbs.AST.MustacheStatement, scope);
        return;
      case 'BlockStatement':
        this.#block(statement as hbs.AST.BlockStatement, scope);
        return;
      case 'PartialStatement':
        this.#include(statement as hbs.AST.PartialStatement, scope);
        return;
      default:
        this.#report(
          'template-unsupported',
          'this part of Handlebars is not used here',
          statement,
          {
            why: 'decorators, inline partials and partial blocks are left out',
            fix: 'put the shared text in a file of its own and write {{> name}}',
          },
        );
    }
  }

  #mustache(node: hbs.AST.MustacheStatement, scope: readonly string[]): void {
    const isCall = node.params.length > 0 || node.hash !== undefined;
    const value = isCall
      ? this.#call(node as unknown as hbs.AST.SubExpression, scope)
      : this.#value(node.path, scope);
    const site = this.#site(node.path, written(node.path), []);
    node.path = path(internal.print, node);
    node.params = [value, number(site, node)];
    node.hash = undefined as unknown as hbs.AST.Hash;
  }

  #block(node: hbs.AST.BlockStatement, scope: readonly string[]): void {
    const name = written(node.path);
    const named = blocks.get(name);
    if (named === undefined) {
      this.#report('template-unknown-helper', `there is no block "${name}"`, node.path, {
        why: `a block is one of ${[...blocks.keys()].join(', ')}`,
        fix: didYouMean(name, blocks.keys()) ?? `write {{#if ${name}}} or {{#with ${name}}}`,
      });
    } else if (node.params.length !== 1) {
      this.#report('template-arguments', `#${name} takes one value`, node.path, {
        why: `it is given ${node.params.length}`,
      });
    }
    node.params = node.params.map((param) => this.#value(param, scope));
    node.hash = this.#options(node, named ?? [], name, scope);
    this.#program(node.program, scope);
    this.#program(node.inverse, scope);
  }

  #include(node: hbs.AST.PartialStatement, scope: readonly string[]): void {
    if (node.name.type === 'SubExpression') {
      this.#report('template-unsupported', 'the name of a partial is written out', node.name, {
        why: 'so that every file which a template needs is known beforehand',
      });
      return;
    }
    const name = written(node.name);
    const full = this.#partial(name);
    if (full === undefined) {
      this.#report('template-unknown-partial', `there is no partial "${name}"`, node.name, {
        why: 'partials lie in the folder of the template that names them, and end in .hbs',
      });
      return;
    }
    node.name = path(full, node);
    node.params = node.params.map((param) => this.#value(param, scope));
    for (const pair of node.hash?.pairs ?? []) {
      pair.value = this.#value(pair.value, scope);
    }
  }

  #call(node: hbs.AST.SubExpression, scope: readonly string[]): hbs.AST.SubExpression {
    const name = written(node.path);
    const spec = helpers.get(name);
    if (spec === undefined) {
      this.#report('template-unknown-helper', `there is no helper "${name}"`, node.path, {
        why: `helpers are ${[...helpers.keys()].join(', ')}`,
        fix: didYouMean(name, helpers.keys()),
      });
    } else if (node.params.length < spec.takes[0] || node.params.length > spec.takes[1]) {
      const [least, most] = spec.takes;
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      this.#report('template-arguments', `${name} takes ${wanted} values`, node.path, {
        why: `it is given ${node.params.length}`,
      });
    }
    const last = node.params.length - 1;
    const params = node.params.map((param, index) =>
      this.#value(
        param,
        scope,
        spec?.lenient === 'all' || (spec?.lenient === 'but last' && index < last),
      ),
    );
    const hash = this.#options(node, spec?.named ?? [], name, scope);
    return { ...node, type: 'SubExpression', params, hash };
  }

  #options(
    node: { path: hbs.AST.Expression; hash: hbs.AST.Hash } & hbs.AST.Node,
    known: readonly string[],
    name: string,
    scope: readonly string[],
  ): hbs.AST.Hash {
    const pairs = (node.hash as hbs.AST.Hash | undefined)?.pairs ?? [];
    for (const pair of pairs) {
      if (!known.includes(pair.key)) {
        this.#report('template-arguments', `${name} has no option "${pair.key}"`, pair, {
          fix: didYouMean(pair.key, known),
        });
      }
      pair.value = this.#value(pair.value, scope);
    }
    const value = number(this.#site(node.path, name, []), node);
    const site: hbs.AST.HashPair = { type: 'HashPair', key: siteOption, value, loc: node.loc };
    return { type: 'Hash', pairs: [...pairs, site], loc: node.loc };
  }

  #value(node: hbs.AST.Expression, scope: readonly string[], maybe = false): hbs.AST.Expression {
    if (node.type === 'SubExpression') return this.#call(node as hbs.AST.SubExpression, scope);
    if (node.type !== 'PathExpression') return node;
    const given = node as hbs.AST.PathExpression;
    const parts = given.parts;
    const [first] = parts;
    if (first === undefined) return node;
    const isScoped = /^\.|^this\b/.test(given.original);
    const isLocal = !isScoped && given.depth === 0 && scope.includes(first);
    const head = given.data || isLocal ? 1 : 0;
    const base = { ...given, parts: parts.slice(0, head), original: head === 0 ? 'this' : first };
    const where = given.data ? `@${first}` : isLocal ? first : '';
    const site = this.#site(given, given.original, parts.slice(head), where);
    return {
      type: 'SubExpression',
      path: path(maybe ? internal.maybe : internal.get, node),
      params: [base, number(site, node)],
      hash: undefined as unknown as hbs.AST.Hash,
      loc: node.loc,
    } as hbs.AST.SubExpression;
  }

  #site(node: hbs.AST.Node, name: string, names: readonly string[], base = ''): number {
    const at = positionOf(this.#source, node.loc.start, name.length);
    return this.#sites.push({ at, written: name, names, base }) - 1;
  }

  #report(
    code: string,
    what: string,
    node: hbs.AST.Node,
    rest: { readonly why?: string; readonly fix?: string | undefined },
  ): void {
    const { start, end } = node.loc;
    const length = start.line === end.line ? end.column - start.column : 1;
    this.diagnostics.push(templateError(code, what, positionOf(this.#source, start, length), rest));
  }
}

function written(node: hbs.AST.Expression): string {
  const { original } = node as { original?: unknown } & hbs.AST.Expression;
  return typeof original === 'string' ? original : JSON.stringify(original);
}

function path(name: string, { loc }: hbs.AST.Node): hbs.AST.PathExpression {
  return { type: 'PathExpression', data: false, depth: 0, parts: [name], original: name, loc };
}

function number(value: number, { loc }: hbs.AST.Node): hbs.AST.NumberLiteral {
  return { type: 'NumberLiteral', value, original: value, loc };
}
