import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiagnosticError } from '@skerry/diagnostics';
import { type Connector, createConnector, SecretBook } from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { type Sshd, startSshd } from './sshd.ts';

let connector: Connector;
let sshd: Sshd | undefined;
beforeAll(() => {
  connector = createConnector({ secrets: new SecretBook() });
});
afterAll(async () => {
  await connector.close();
  await sshd?.stop();
});

const megabytes = (): number => process.memoryUsage().rss >> 20;

test('a host that prints without end is cut off with the reason, and fills no memory', async () => {
  sshd = await startSshd();
  const session = await connector.connect(endpointOf(sshd));
  const shell = await session.openShell({ become: false });
  const fine = await shell.run([{ code: 'head -c 5000000 /dev/zero', args: [] }], {
    deadline: 30_000,
  });
  expect(fine.parts[0]?.stdout).toHaveLength(5_000_000);
  const before = megabytes();
  const ran = await shell.run(
    [
      { code: 'echo fine', args: [] },
      { code: 'exec cat /dev/zero', args: [] },
    ],
    { deadline: 60_000 },
  );
  expect(ran).toMatchObject({
    outcome: 'lost',
    parts: [{ stdout: 'fine\n' }],
    reason: 'part 2 printed more than 64 MiB on stdout, and the connection was ended',
  });
  expect(megabytes() - before).toBeLessThan(400);
  await session.close();
  await sshd.stop();
});

test('a login shell that never stops talking is no shell', async () => {
  sshd = await startSshd({ config: ['ForceCommand exec cat /dev/zero'] });
  const session = await connector.connect(endpointOf(sshd, { connectTimeout: 1500 }));
  const before = megabytes();
  const error: unknown = await session.openShell({ become: false }).catch((thrown) => thrown);
  if (!(error instanceof DiagnosticError)) throw error;
  expect(error.diagnostics[0]?.code).toBe('shell-timeout');
  expect(error.diagnostics[0]?.why?.length).toBeLessThanOrEqual(1000);
  expect(megabytes() - before).toBeLessThan(200);
  await session.close();
});
