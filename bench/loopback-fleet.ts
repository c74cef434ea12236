import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startManyHosts } from '../packages/executor/test/many-hosts.ts';

export interface LoopbackFleet {
  /** Path of an inventory with all hosts. */
  readonly inventory: string;
  /** `ssh HOST true` on all hosts at once, as a shell command. */
  readonly xargs: string;
  stop(): Promise<void>;
}

/** Hosts at 127.0.2.1, 127.0.2.2 …, and two ways to them: an inventory, and the OpenSSH client. */
export async function loopbackFleet(hosts: number): Promise<LoopbackFleet> {
  const many = await startManyHosts();
  const { sshd } = many;
  const inventory = join(sshd.folder, 'fleet.yaml');
  const addresses = Array.from({ length: hosts }, (_, index) => `127.0.2.${index + 1}`);
  writeFileSync(
    inventory,
    `cluster:
  name: bench
  connection:
    user: root
    port: ${sshd.port}
    key: ${sshd.clientKey}
    agent: false
    sshConfig: false
    timeout: 120
    knownHosts: [${sshd.knownHosts}]
groups:
  everything:
    hosts:
      bench-[01:${hosts}]: { address: '127.0.2.[1:${hosts}]' }
`,
  );
  const options = `-F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=${sshd.knownHosts}`;
  return {
    inventory,
    xargs: `printf '%s\\n' ${addresses.join(' ')} | xargs -P${hosts} -I{} ssh ${options} -i ${sshd.clientKey} -p ${sshd.port} root@{} true`,
    stop: () => many.stop(),
  };
}
