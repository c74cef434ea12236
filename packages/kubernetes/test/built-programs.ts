import { globSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A program that test/components built on this machine, newest first, or undefined: tests that need it
 * are then left out, by name.
 */
export function builtProgram(
  name: 'kubeadm' | 'kubectl' | 'kube-apiserver' | 'helm',
): string | undefined {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return globSync(`skerry/components/{kubernetes,helm}-*/${name}`, { cwd: cache })
    .map((path) => join(cache, path))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}
