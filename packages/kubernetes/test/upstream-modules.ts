import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Go modules whose charts, definitions and manifests judge ours; .ci/modules.ts fetches them. */
export const upstreamModules = [
  'github.com/cilium/cilium@v1.15.19',
  'github.com/cilium/cilium@v1.16.19',
  'github.com/cilium/cilium@v1.17.0',
  'github.com/cilium/cilium@v1.18.5',
  'github.com/cilium/cilium@v1.19.5',
  'github.com/cilium/cilium@v1.20.1',
  'github.com/envoyproxy/gateway@v1.9.0',
  'github.com/flannel-io/flannel@v0.28.9',
  'github.com/tigera/operator@v1.42.4',
  'go.universe.tf/metallb@v0.16.2',
  'k8s.io/kubernetes@v1.36.3',
  'sigs.k8s.io/gateway-api@v1.6.1',
] as const;

function cache(): string {
  try {
    return execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim();
  } catch {
    return join(homedir(), 'go/pkg/mod');
  }
}

/** The folder of one of these modules in the cache of this machine; undefined where it is not there. */
export function upstreamModule(name: string, version: string): string | undefined {
  const module = upstreamModules.find((one) => one === `${name}@${version}`);
  if (module === undefined) throw new Error(`${name}@${version} is not in upstreamModules`);
  const folder = join(cache(), module);
  return existsSync(folder) ? folder : undefined;
}
