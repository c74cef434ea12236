import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkWorkflow, isMet, type Dialect } from './actions-workflow.ts';
import { root } from './command.ts';
import { GitlabPipeline } from './gitlab-pipeline.ts';

const recipe = (name: string): string => readFileSync(join(root, 'recipes', name), 'utf8');

/** The text with one thing otherwise, which it must have had. */
function edited(text: string, before: string, after: string): string {
  expect(text).toContain(before);
  return text.replace(before, after);
}

/** What happened on the forge, in the words of each. */
const events = {
  pullRequest: { event: 'pull_request', ref: 'refs/pull/7/merge', from: 'own/site', plan: '' },
  reachable: { event: 'pull_request', ref: 'refs/pull/7/merge', from: 'own/site', plan: 'true' },
  ofAStranger: { event: 'pull_request', ref: 'refs/pull/7/merge', from: 'fork/site', plan: 'true' },
  merged: { event: 'push', ref: 'refs/heads/main', from: '', plan: 'true' },
  mergedUnreachable: { event: 'push', ref: 'refs/heads/main', from: '', plan: '' },
} as const;

describe.each([
  ['github-actions.yml', 'github'],
  ['forgejo-actions.yml', 'forgejo'],
] as const)('%s', (name, dialect: Dialect) => {
  const text = recipe(name);

  test('is a workflow by the schema and the parser that GitHub publishes', () => {
    expect(checkWorkflow(text, dialect).faults).toEqual([]);
  });

  test.each([
    ['a key that there is not', 'timeout-minutes: 15', 'timeout-minute: 15'],
    ['a context that there is not', 'needs: [diff', 'name: ${{ githob.sha }}\n    needs: [diff'],
    [
      'a condition that is no expression',
      "vars.SKERRY_PLAN == 'true'",
      "vars.SKERRY_PLAN == 'true",
    ],
    ['a job that waits for none', 'needs: [diff', 'needs: [dif'],
    ['an event that there is not', 'pull_request:\n', 'pull_requests:\n'],
  ])('would be told of %s', (_what, before, after) => {
    expect(checkWorkflow(edited(text, before, after), dialect).faults).not.toEqual([]);
  });

  test('its jobs run when they should, and a stranger gets the comparison alone', () => {
    const { conditions } = checkWorkflow(text, dialect);
    const running = ({
      event,
      ref,
      from,
      plan,
    }: (typeof events)[keyof typeof events]): string[] => {
      const head = { repo: { full_name: from } };
      const github = {
        event_name: event,
        ref,
        repository: 'own/site',
        event: event === 'push' ? {} : { pull_request: { head } },
      };
      const contexts = { github, vars: plan === '' ? {} : { SKERRY_PLAN: plan } };
      return Object.entries(conditions)
        .filter(([, condition]) => isMet(condition, contexts))
        .map(([job]) => job);
    };
    expect(running(events.pullRequest)).toEqual(['diff', 'comment']);
    expect(running(events.reachable)).toEqual(['diff', 'plan', 'comment']);
    expect(running(events.ofAStranger)).toEqual(['diff']);
    expect(running(events.merged)).toEqual(['apply']);
    expect(running(events.mergedUnreachable)).toEqual([]);
  });
});

test('what GitHub has and Forgejo has not is told', () => {
  const queued = edited(
    recipe('forgejo-actions.yml'),
    'group: skerry-apply',
    'group: skerry-apply\n      queue: max',
  );
  expect(checkWorkflow(queued, 'github').faults).toEqual([]);
  expect(checkWorkflow(queued, 'forgejo').faults).toEqual([
    expect.stringContaining("Unexpected value 'queue'") as string,
  ]);
});

describe('gitlab-ci.yml', () => {
  test('is a pipeline by the schema of GitLab, and its jobs run when they should', async () => {
    using pipeline = new GitlabPipeline(recipe('gitlab-ci.yml'));
    const request = { CI_PIPELINE_SOURCE: 'merge_request_event', CI_PROJECT_ID: '1' };
    const ours = { ...request, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '1' };
    const theirs = { ...request, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '2' };
    const push = { CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: 'main' };
    const [reachable, stranger, merged] = await Promise.all([
      pipeline.jobs({ ...ours, SKERRY_PLAN: 'true' }),
      pipeline.jobs({ ...theirs, SKERRY_PLAN: 'true' }),
      pipeline.jobs({ ...push, SKERRY_PLAN: 'true' }),
    ]);
    expect(reachable).toEqual(['diff', 'plan', 'comment']);
    expect(stranger).toEqual(['diff']);
    expect(merged).toEqual(['apply']);
  });

  test('would be told of a key that there is not, and of a value of another type', async () => {
    const text = edited(recipe('gitlab-ci.yml'), 'resource_group:', 'resource_groups:');
    using wrong = new GitlabPipeline(edited(text, 'interruptible: false', 'interruptible: never'));
    await expect(wrong.jobs({})).rejects.toThrow(
      /'resource_groups' property is not expected[^]*'interruptible' property type must be boolean/,
    );
  });
});
