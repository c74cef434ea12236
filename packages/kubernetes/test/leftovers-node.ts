import { sh } from '@skerry/steps';
import { expect } from 'vitest';
import type { planForReal } from '../../steps/test/harness/converge-for-real.ts';
import { namespace } from '../../steps/test/harness/namespace.ts';
import { runFragment } from '../../steps/test/harness/run-fragment.ts';

/** A host with a network of its own: `load` adds rules to what it has, `saved` tells what is there. */
export const node = async () => {
  const place = await namespace();
  const run = async (code: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr, code: status } = await runFragment('bash', sh(code, ...args), place);
    expect(status, stderr).toBe(0);
    return stdout.trim();
  };
  const load = (program: string, ...tables: string[]): Promise<string> =>
    run(
      `shift; for text; do printf %s "$text" | ${program}-restore --noflush; done`,
      '',
      ...tables,
    );
  /** Chains that are not built in, and rules, of all; the tables that they are in outlive them. */
  const saved = (): Promise<string> =>
    run(
      'for p in iptables-nft iptables-legacy ip6tables-nft; do $p-save 2>/dev/null; done | grep -E "^(-|:.* -)" | sed "s/ \\[.*//"; nft list tables | grep -e inet -e kube-proxy',
    );
  return { place, run, load, saved, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
};
/** What a plan says, a line each. */
export const shown = async (of: ReturnType<typeof planForReal>): Promise<string[]> =>
  (await of).map(({ subject, before }) =>
    before === undefined ? subject : `${subject}: ${before}`,
  );
