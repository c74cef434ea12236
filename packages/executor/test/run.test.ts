import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connector, createConnector, SecretBook, type Session } from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let connector: Connector;
let session: Session;
const secrets = new SecretBook();

beforeAll(async () => {
  sshd = await startSshd();
  connector = createConnector({ secrets });
  session = await connector.connect(endpointOf(sshd));
});
afterAll(async () => {
  await session.close();
  await connector.close();
  await sshd.stop();
});

describe('a run over a real sshd', () => {
  test('splits output by part, byte for byte', async () => {
    const shell = await session.openShell({ become: false });
    const result = await shell.run(
      [
        { code: 'printf "%s" "$1"; echo oops >&2; exit 3', args: ['no newline'] },
        { code: 'cat; printf "[%s]" "$@"', args: ["it's", '$(id)\n`x`', 'Ærø ⟦'] },
      ],
      { deadline: 5000 },
    );
    expect(result).toEqual({
      outcome: 'exited',
      parts: [
        { code: 3, stdout: 'no newline', stderr: 'oops\n', utf8: true },
        { code: 0, stdout: "[it's][$(id)\n`x`][Ærø ⟦]", stderr: '', utf8: true },
      ],
    });
    await shell.close();
  });
});
