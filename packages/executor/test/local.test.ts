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
