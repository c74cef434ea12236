import { readFileSync } from 'node:fs';
import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import { reviver } from '@actions/expressions/data/reviver';
import { convertOn } from '@actions/workflow-parser/model/converter/events';
import { convertJobs } from '@actions/workflow-parser/model/converter/jobs';
import { JSONObjectReader } from '@actions/workflow-parser/templates/json-object-reader';
import { TemplateSchema } from '@actions/workflow-parser/templates/schema/template-schema';
import {
  TemplateContext,
  TemplateValidationErrors,
} from '@actions/workflow-parser/templates/template-context';
import { readTemplate } from '@actions/workflow-parser/templates/template-reader';
import { NoOperationTraceWriter } from '@actions/workflow-parser/templates/trace-writer';
import { YamlObjectReader } from '@actions/workflow-parser/workflows/yaml-object-reader';

export type Dialect = 'github' | 'forgejo';

interface Definition {
  mapping?: { properties: Record<string, unknown> };
  'one-of'?: string[];
}
interface Schema {
  readonly definitions: Record<string, Definition>;
}

/**
 * What the schema of GitHub has and that of Forgejo's runner 12 has not, where a recipe may come to
 * use it: by definition. The rest of Forgejo's is made of GitHub's, and allows more.
 */
const notInForgejo: readonly (readonly [definition: string, names: readonly string[]])[] = [
  ['job-factory', ['snapshot']],
  ['run-step', ['background']],
  ['regular-step', ['background']],
  ['steps-item', ['wait-step', 'wait-all-step', 'cancel-step', 'parallel-step']],
  ['concurrency-mapping', ['queue']],
  ['cron-mapping', ['timezone']],
  ['job-environment-mapping', ['deployment']],
];

// The package's own entry imports JSON in a way that Node refuses, so the file is read.
const schemaFile = new URL(
  'workflow-v1.0.min.json',
  import.meta.resolve('@actions/workflow-parser'),
);

function schemaOf(dialect: Dialect): TemplateSchema {
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as Schema;
  for (const [name, left] of dialect === 'forgejo' ? notInForgejo : []) {
    const definition = schema.definitions[name];
    if (definition === undefined) throw new Error(`GitHub's schema has no ${name} any more`);
    for (const each of left) delete definition.mapping?.properties[each];
    if (definition['one-of'] !== undefined) {
      definition['one-of'] = definition['one-of'].filter((each) => !left.includes(each));
    }
  }
  return TemplateSchema.load(new JSONObjectReader(undefined, JSON.stringify(schema)));
}

export interface CheckedWorkflow {
  /** What GitHub's own parser says against it: keys, types, expressions, `needs`, ids. */
  readonly faults: readonly string[];
  /** The condition of each job, with the `success()` that stands in front where it names no status. */
  readonly conditions: Readonly<Record<string, string>>;
}

/** A workflow as the forge reads it: the parser that GitHub publishes, with the schema of the dialect. */
export function checkWorkflow(text: string, dialect: Dialect): CheckedWorkflow {
  const context = new TemplateContext(
    new TemplateValidationErrors(),
    schemaOf(dialect),
    new NoOperationTraceWriter(),
  );
  const file = context.getFileId('workflow.yml');
  const reader = new YamlObjectReader(file, text);
  const conditions: Record<string, string> = {};
  const root = readTemplate(context, 'workflow-root-strict', reader, file)?.assertMapping('root');
  for (const { key, value } of root ?? []) {
    if (key.toString() === 'on') convertOn(context, value);
    if (key.toString() !== 'jobs') continue;
    for (const job of convertJobs(context, value)) {
      conditions[job.id.value] = job.if.expression;
    }
  }
  const errors = [...reader.errors, ...context.errors.getErrors()];
  return { faults: errors.map(({ message }) => message), conditions };
}

/** What a runner would decide: the condition with these contexts, when all went well before. */
export function isMet(condition: string, contexts: Readonly<Record<string, unknown>>): boolean {
  const said = { success: true, always: true, failure: false, cancelled: false };
  const functions = Object.entries(said).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 255,
    call: () => new data.BooleanData(value),
  }));
  const { tokens } = new Lexer(condition).lex();
  const expression = new Parser(tokens, Object.keys(contexts), functions).parse();
  const values = JSON.parse(JSON.stringify(contexts), reviver) as data.Dictionary;
  const named = new Map(functions.map((each) => [each.name, each]));
  return new Evaluator(expression, values, named).evaluate().coerceString() === 'true';
}
