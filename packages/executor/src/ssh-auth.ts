import { readFile } from 'node:fs/promises';
import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware } from 'ssh2';
import type { HostFailure } from './host-error.ts';
import type { KeyRing } from './key-ring.ts';
import { QuietAgent } from './quiet-agent.ts';

export interface AuthSettings {
  readonly user: string;
  /** Paths of private keys; those in `optional` may be absent without a word. */
  readonly identities: readonly string[];
  readonly optional: boolean;
  /** Socket of the agent, or undefined where it is not to be asked. */
  readonly agent: string | undefined;
  readonly agentWanted: boolean;
  readonly passphrase: string | undefined;
  readonly password: string | undefined;
}

/** The methods to try, in order, and why some cannot be. */
export interface AuthPlan {
  readonly handler: AuthHandlerMiddleware;
  /** What was offered so far, in words. */
  readonly tried: readonly string[];
  /** Why some of what was asked for cannot be offered. */
  problems(): readonly HostFailure[];
  /** Whether there is anything at all to offer. */
  readonly empty: boolean;
}

interface Offer {
  readonly label: string;
  readonly method: string;
  readonly next: AnyAuthMethod;
}

/** Reads the keys and lays out what is offered: keys, then the agent, then the password. */
export async function planAuth(settings: AuthSettings, keys: KeyRing): Promise<AuthPlan> {
  const username = settings.user;
  const problems: HostFailure[] = [];
  const offers: Offer[] = [];
  for (const path of settings.identities) {
    const read = await keys.read(path, settings.passphrase);
    if ('problem' in read) {
      if (!(read.absent && settings.optional)) problems.push(read.problem);
    } else {
      offers.push({
        label: `key ${path}`,
        method: 'publickey',
        next: { type: 'publickey', username, key: read.key as unknown as Buffer },
      });
    }
  }
  const agent =
    settings.agent === undefined
      ? undefined
      : new QuietAgent(settings.agent, await publicKeys(settings.identities));
  if (agent !== undefined) {
    offers.push({
      label: 'agent',
      method: 'publickey',
      next: { type: 'agent', username, agent },
    });
  } else if (settings.agentWanted) {
    problems.push(agentUnavailable('SSH_AUTH_SOCK is not set'));
  }
  if (settings.password !== undefined) {
    const { password } = settings;
    offers.push(
      { label: 'password', method: 'password', next: { type: 'password', username, password } },
      {
        label: 'keyboard-interactive',
        method: 'keyboard-interactive',
        next: {
          type: 'keyboard-interactive',
          username,
          prompt: (_name, _instructions, _language, prompts, finish) => {
            finish(prompts.map(() => password));
          },
        },
      },
    );
  }

  const tried: string[] = [];
  const waiting = [...offers];
  const handler = (
    left: AuthenticationType[] | null,
    _partial: boolean | null,
    next: (auth: AnyAuthMethod | false) => void,
  ): void => {
    let offer = waiting.shift();
    const allowed: readonly string[] | null = left;
    while (offer !== undefined && allowed?.includes(offer.method) === false) {
      offer = waiting.shift();
    }
    if (offer === undefined) {
      next(false);
      return;
    }
    tried.push(offer.label);
    next(offer.next);
  };
  return {
    handler: handler as unknown as AuthHandlerMiddleware,
    tried,
    problems: () =>
      agent?.problem === undefined ? problems : [...problems, agentUnavailable(agent.problem)],
    empty: offers.length === 0,
  };
}

function agentUnavailable(why: string): HostFailure {
  return {
    code: 'agent-unavailable',
    what: 'the SSH agent cannot be asked',
    why,
    fix: 'start one (`eval "$(ssh-agent)"; ssh-add`), or name a key in the inventory',
  };
}

/** The public keys beside private ones, in base64, so far as they are there. */
async function publicKeys(identities: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(
    identities.map((path) => readFile(`${path}.pub`, 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) => text.split(' ')[1] ?? []);
}
