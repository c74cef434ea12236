import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createConnector, SecretBook } from '../src/index.ts';

test('a local session runs parts by the same interface', async () => {
  const connector = createConnector({ secrets: new SecretBook() });
  const session = await connector.connect({ transport: 'local', name: 'here', sudo: {} });
  expect(session.hostKey).toBeUndefined();
  const shell = await session.openShell({ become: true });
  const ran = await shell.run(
    [
      { code: 'printf %s "$1"; exit 4', args: ["it's"] },
      { code: 'id -u; head -c 10 >&2', args: [] },
    ],
    { deadline: 5000 },
  );
  expect(ran).toEqual({
    outcome: 'exited',
    parts: [
      { code: 4, stdout: "it's", stderr: '', utf8: true },
      { code: 0, stdout: '0\n', stderr: '', utf8: true },
    ],
  });
  const killed = await shell.run([{ code: 'kill -9 $$', args: [] }], { deadline: 5000 });
  expect(killed).toMatchObject({ outcome: 'signalled', parts: [] });
  await session.close();
});

test('a local run that is too long, or aborted, is ended with what it started', async () => {
  const connector = createConnector({ secrets: new SecretBook() });
  const session = await connector.connect({ transport: 'local', name: 'here', sudo: {} });
  const code = 'sleep "$1"; echo done';
  const late = await session.openShell({ become: false });
  const ran = await late.run([{ code, args: ['98765'] }], { deadline: 300 });
  expect(ran).toMatchObject({ outcome: 'timedOut', parts: [] });
  const abort = new AbortController();
  const stopped = await session.openShell({ become: false });
  setTimeout(() => abort.abort(), 200);
  expect(
    await stopped.run([{ code, args: ['98766'] }], { deadline: 5000, signal: abort.signal }),
  ).toMatchObject({ outcome: 'aborted', parts: [] });
  const alive = (): boolean =>
    /sleep 9876[56]/.test(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }));
  await expect.poll(alive, { timeout: 3000 }).toBe(false);
  await session.close();
});
