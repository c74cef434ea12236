import { parseInventory } from '@skerry/inventory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  envoyGatewayManifest,
  standardGatewayApi,
} from '../../packages/kubernetes/test/gateway-manifests.ts';
import { clusterObjectGroups } from '@skerry/kubernetes';
import { builtPrograms, startApiServer } from './api-server.ts';
import { lines, ObjectsOnApi, type Group } from './objects-on-api.ts';

const programs = await builtPrograms();
const manifest = envoyGatewayManifest();
const kinds = standardGatewayApi();

const inventory = parseInventory(
  `cluster: { name: lab }
groups: { nodes: { roles: [control-plane], hosts: { cp-1: { address: 10.20.0.11 } } } }
kubernetes:
  version: 1.36.3
  network: { cni: routed }
  ingress: { controller: envoy-gateway }
`,
  'site.yaml',
);

/** Without waits, since there is no kubelet here. */
function gatewayGroups(manifests: Readonly<Record<string, string>>): Group[] {
  const texts = { manifest: (name: string) => manifests[name] ?? '', chart: () => '' };
  return clusterObjectGroups({ inventory, fleet: new Map() }, texts)
    .filter(({ name }) => /Gateway/.test(name))
    .map((group) => ({ ...group, waits: [] }));
}

describe.skipIf([programs, manifest, kinds].includes(undefined))('Envoy Gateway', () => {
  let objects: ObjectsOnApi;
  beforeAll(async () => {
    if (programs !== undefined) objects = new ObjectsOnApi(await startApiServer(programs));
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  it('is taken by a real API server, and then there is nothing to do', async () => {
    const { changes } = await objects.apply(
      gatewayGroups({ 'gateway-api': kinds ?? '', 'envoy-gateway': manifest ?? '' }),
    );
    const told = lines(changes).map((line) => line.split(':')[0]);
    expect(told).toContain('create Job.batch envoy-gateway-system/eg-gateway-helm-certgen-1-9-0');
    expect(told).toContain('create GatewayClass.gateway.networking.k8s.io envoy');
    const classes = await objects.api.kubectl('get', 'gatewayclasses', '-o', 'name');
    expect(classes.trim()).toBe('gatewayclass.gateway.networking.k8s.io/envoy');
  });
});
