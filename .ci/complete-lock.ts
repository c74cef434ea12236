// Adds to package-lock.json the optional packages for platforms that npm left out, because the registry
// it asked did not serve them: `npm ci` refuses a lock file in which they are missing. An entry names
// version and platform, so that npm passes it by elsewhere; it has no integrity, npm adds that.
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}
const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };

const systems = 'aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|windows';
const processors =
  'arm64|armv7|arm|x64|ia32|loong64|mips64el|ppc64le|ppc64|riscv64|s390x|universal|wasm32|64';
const platform = new RegExp(`(?:^|[/-])(${systems})-(${processors})(?=$|-)`);

const added: string[] = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const match = platform.exec(name);
    if (lock.packages[key] !== undefined || match === null) continue;
    const [, system = '', processor = ''] = match;
    const version = range.replace(/^[\^~]/, '');
    lock.packages[key] = {
      version,
      cpu: [processor === '64' ? 'x64' : processor === 'armv7' ? 'arm' : processor],
      ...(parent.dev === true ? { dev: true } : {}),
      optional: true,
      os: [system === 'windows' ? 'win32' : system],
    };
    added.push(key);
  }
}
const entries = Object.entries(lock.packages);
const [roots, rest] = [
  entries.filter(([key]) => !key.startsWith('node_modules/')),
  entries.filter(([key]) => key.startsWith('node_modules/')),
];
lock.packages = Object.fromEntries([...roots, ...rest.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} platform packages added to ${file}`);
