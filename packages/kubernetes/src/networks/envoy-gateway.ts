import type { Inventory } from '@skerry/inventory';
import { manifestObjects, rollouts } from '../cluster-objects/manifest-objects.ts';
import { originOf } from '../cluster-objects/origins.ts';
import { componentOf } from '../matrix/components.ts';
import type { Identity, ObjectGroup } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { withChanges, withPatches } from './bundled-manifest.ts';

const namespace = 'envoy-gateway-system';
const job = 'eg-gateway-helm-certgen';

/** The class that Gateways name to be served by it. */
const gatewayClass = 'envoy';

interface Job extends KubernetesObject {
  readonly metadata: KubernetesObject & { readonly name: string };
  readonly spec: KubernetesObject;
}

/**
 * The Job that makes the certificates. Half a minute after its end it would be gone, and wanted again; and
 * the pod of a Job cannot be changed, so that another version needs a Job of another name.
 */
function lasting(version: string): (object: KubernetesObject) => KubernetesObject {
  return (object) => {
    const { metadata, spec } = object as Job;
    const { ttlSecondsAfterFinished: _, ...kept } = spec;
    return {
      ...object,
      metadata: { ...metadata, name: `${metadata.name}-${version.replaceAll('.', '-')}` },
      spec: kept,
    };
  };
}

/**
 * The kinds of Gateway API that its manifest brings, too: those of the experimental channel, with the policy
 * that keeps clusters with the standard ones from them. Skerry has the standard ones for every controller.
 */
function isGatewayApi({ kind, metadata }: Identity): boolean {
  return kind === 'CustomResourceDefinition'
    ? /\.gateway\.networking\.(x-)?k8s\.io$/.test(metadata.name)
    : kind.startsWith('ValidatingAdmissionPolicy') &&
        metadata.name === 'safe-upgrades.gateway.networking.k8s.io';
}

/**
 * Envoy Gateway from its manifest, without the kinds of Gateway API, and once it runs the class of its
 * Gateways. `seconds` for its certificates and its rollout.
 */
export function envoyGatewayGroups(
  inventory: Inventory,
  manifest: string,
  seconds: number,
): ObjectGroup[] {
  const { ingress } = inventory.kubernetes;
  const { version } = componentOf('envoy-gateway');
  const written = manifestObjects(manifest, 'the manifest envoy-gateway', namespace).filter(
    ({ object }) => !isGatewayApi(object),
  );
  const changed = withChanges(
    written,
    'envoy-gateway',
    { [`Job ${job}`]: lasting(version) },
    { job: 'stays after its end' },
  );
  const program = withPatches(changed, ingress?.patches ?? {}, (name) =>
    inventory.kubernetesPlaces.get(`ingress.patches.${name}`),
  );
  const jobs = program
    .filter(({ object }) => object.kind === 'Job')
    .map(({ object: { metadata } }) => ({
      resource: `job/${metadata.name}`,
      namespace,
      condition: 'Complete',
      seconds,
    }));
  const object = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: gatewayClass },
    spec: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
  };
  const origin = originOf(inventory, 'ingress');
  return [
    { name: 'Envoy Gateway', objects: program, waits: [...jobs, ...rollouts(program, seconds)] },
    {
      name: 'the class of Gateways',
      objects: [{ object, ownership: 'owned', origin }],
      waits: [],
    },
  ];
}
