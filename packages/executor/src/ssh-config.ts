import { execFile } from 'node:child_process';
import { access, glob, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { hostError, messageOf } from './host-error.ts';

/** What ssh_config says of one host; undefined where it says nothing. */
export interface SshConfig {
  readonly hostname?: string;
  readonly user?: string;
  readonly port?: number;
  readonly identities?: readonly string[];
  readonly identityAgent?: string;
  readonly proxyJump?: readonly string[];
  readonly proxyCommand?: string;
  readonly knownHosts?: readonly string[];
  readonly hostKeyAlias?: string;
}

export interface SshConfigQuery {
  /** The name in the inventory, for messages. */
  readonly host: string;
  readonly address: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** A path, undefined for the user's and the system's, null for none. */
  readonly file: string | null | undefined;
}

const SSH = '/usr/bin/ssh';

/** Words that change what we do; all others may stand in a file without ssh being asked. */
const RELEVANT =
  /^\s*(hostname|user|port|identityfile|identityagent|proxyjump|proxycommand|userknownhostsfile|globalknownhostsfile|hostkeyalias|canonicalizehostname|match)\b/im;

/** Asks `ssh -G`, once for each host, and not at all where no file says anything that matters. */
export class SshConfigReader {
  readonly #answers = new Map<string, Promise<SshConfig>>();
  readonly #matters = new Map<string, Promise<boolean>>();
  readonly #limit = pLimit(4);

  /** @throws DiagnosticError `ssh-config-invalid` where ssh cannot read the file. */
  async read(query: SshConfigQuery): Promise<SshConfig> {
    const { address, user, port, file } = query;
    if (file === null) return {};
    const key = JSON.stringify([address, user, port, file]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#matter(file).then((matters) =>
        matters ? this.#limit(() => ask(query, file)) : {},
      );
      this.#answers.set(key, answer);
    }
    return answer;
  }

  #matter(file: string | undefined): Promise<boolean> {
    const key = file ?? '';
    let answer = this.#matters.get(key);
    if (answer === undefined) {
      answer = matters(file);
      this.#matters.set(key, answer);
    }
    return answer;
  }
}

async function matters(file: string | undefined): Promise<boolean> {
  // a file that was named must be read, be it only to find it missing
  if (file !== undefined) return true;
  try {
    await access(SSH);
  } catch {
    return false;
  }
  const files = [path.join(homedir(), '.ssh/config'), '/etc/ssh/ssh_config'];
  const found = await Promise.all(files.map((name) => saysSomething(name, 0)));
  return found.includes(true);
}

async function saysSomething(file: string, depth: number): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return !absent;
  }
  if (RELEVANT.test(text)) return true;
  const folder = file.startsWith('/etc/') ? '/etc/ssh' : path.dirname(file);
  for (const [, patterns = ''] of text.matchAll(/^\s*include[\s=]+(.+)$/gim)) {
    // anything but plain words is for ssh itself to understand
    if (depth > 4 || /["%$\\]/.test(patterns)) return true;
    for (const pattern of patterns.trim().split(/\s+/)) {
      for await (const included of glob(path.resolve(folder, expandHome(pattern)))) {
        if (await saysSomething(included, depth + 1)) return true;
      }
    }
  }
  return false;
}

async function ask(query: SshConfigQuery, file: string | undefined): Promise<SshConfig> {
  const { host, address, user, port } = query;
  const args = [
    ...(file === undefined ? [] : ['-F', expandHome(file)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-G',
    '--',
    address,
  ];
  try {
    const { stdout } = await promisify(execFile)(SSH, args);
    return parseSshConfig(stdout, address);
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw hostError(host, {
      code: 'ssh-config-invalid',
      what: `the ssh configuration for ${host} cannot be read`,
      why: stderr === '' ? messageOf(error) : stderr,
      fix:
        file === undefined
          ? 'correct ~/.ssh/config, or set `sshConfig: false` in the inventory'
          : `correct ${file}, or set \`sshConfig: false\` in the inventory`,
    });
  }
}

/** Reads what `ssh -G` prints: `keyword value` a line, all defaults included. */
function parseSshConfig(text: string, address: string): SshConfig {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const key = line.slice(0, space).toLowerCase();
    values.set(key, [...(values.get(key) ?? []), line.slice(space + 1)]);
  }
  const one = (key: string): string | undefined => {
    const value = values.get(key)?.[0];
    return value === undefined || value === 'none' ? undefined : value;
  };
  const hostname = one('hostname') ?? address;
  const user = one('user');
  const expand = (name: string): string =>
    expandHome(name).replaceAll(/%([%dhru])/g, (whole, token: string) => {
      if (token === '%') return '%';
      if (token === 'd') return homedir();
      if (token === 'h') return hostname;
      return token === 'r' ? (user ?? whole) : whole;
    });
  const words = (key: string): string[] =>
    (one(key) ?? '')
      .split(/\s+/)
      .filter((word) => word !== '')
      .map(expand);
  const port = one('port');
  const agent = one('identityagent');
  const jump = one('proxyjump');
  const command = one('proxycommand');
  const alias = one('hostkeyalias');
  return {
    hostname,
    identities: (values.get('identityfile') ?? []).filter((name) => name !== 'none').map(expand),
    knownHosts: [...words('userknownhostsfile'), ...words('globalknownhostsfile')],
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(agent === undefined ? {} : { identityAgent: expand(agent) }),
    ...(jump === undefined ? {} : { proxyJump: jump.split(',') }),
    ...(command === undefined ? {} : { proxyCommand: command }),
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
  };
}

export function expandHome(name: string): string {
  return name === '~' || name.startsWith('~/') ? path.join(homedir(), name.slice(1)) : name;
}
