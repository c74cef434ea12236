import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtProgram } from './built-programs.ts';
import { upstreamModule } from './upstream-modules.ts';

const version = 'v1.9.0';
const gateway = upstreamModule('github.com/envoyproxy/gateway', version);
const kinds = upstreamModule('sigs.k8s.io/gateway-api', 'v1.6.1');
const helm = builtProgram('helm');

/** standard-install.yaml of Gateway API, of the files that it is made of; undefined without its module. */
export function standardGatewayApi(): string | undefined {
  if (kinds === undefined) return undefined;
  const files = globSync(join(kinds, 'config/crd/standard/*.networking*.yaml')).toSorted();
  return files.map((file) => readFileSync(file, 'utf8')).join('\n---\n');
}

/**
 * install.yaml of Envoy Gateway, made of its two charts as its own makers do it (tools/make/kube.mk);
 * undefined where its module or helm is not there.
 */
export function envoyGatewayManifest(): string | undefined {
  if (gateway === undefined || helm === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'envoy-gateway-'));
  try {
    const chart = (name: string): string => {
      const path = join(folder, name);
      execFileSync('cp', ['-r', '--no-preserve=mode', join(gateway, 'charts', name), path]);
      const values = readFileSync(join(path, 'values.tmpl.yaml'), 'utf8')
        .replaceAll('${GatewayImage}', `docker.io/envoyproxy/gateway:${version}`)
        .replaceAll('${GatewayImagePullPolicy}', 'IfNotPresent');
      writeFileSync(join(path, 'values.yaml'), values);
      return path;
    };
    const template = (...words: string[]): string =>
      execFileSync(helm, ['template', ...words], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    const set = (...values: string[]): string[] => values.flatMap((value) => ['--set', value]);
    return [
      template(
        'eg-crds',
        chart('gateway-crds-helm'),
        ...set('crds.gatewayAPI.enabled=true', 'crds.envoyGateway.enabled=true'),
      ),
      template(
        'eg',
        chart('gateway-helm'),
        '--namespace=envoy-gateway-system',
        ...set('createNamespace=true', 'crds.gatewayAPI.safeUpgradePolicy.enabled=false'),
      ),
    ].join('');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
