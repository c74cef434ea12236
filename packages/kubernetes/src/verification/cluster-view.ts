import type { Inventory } from '@skerry/inventory';
import type { ProbeOutput } from '@skerry/steps';
import { z } from 'zod';
import { separator } from './set-up.ts';
import { speakerNodes } from './speaker-nodes.ts';

interface NodeView {
  readonly name: string;
  readonly ready: boolean;
  /** Why it is not, in the words of the kubelet or the node controller. */
  readonly reason: string;
  /** Of the kubelet: `v1.36.3`. */
  readonly version: string;
  readonly addresses: readonly string[];
}

export interface ServicePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  /** `address:port`, of endpoints that are ready; sorted. */
  readonly backends: readonly string[];
}

export interface ServiceView {
  readonly namespace: string;
  readonly name: string;
  /** None for a headless Service. */
  readonly addresses: readonly string[];
  readonly external: readonly string[];
  readonly ports: readonly ServicePort[];
  /** All backends on every node: not so with a policy or hints for nearby ones. */
  readonly everywhere: boolean;
}

export interface ProbePod {
  readonly name: string;
  readonly node: string;
  readonly address: string;
}

/** What the API of the cluster said, in the parts that the checks need. */
export interface ClusterView {
  readonly inventory: Inventory;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly nodes: readonly NodeView[];
  readonly services: readonly ServiceView[];
  /** Ready probes by node. */
  readonly probes: ReadonlyMap<string, ProbePod>;
  readonly guarded: ProbePod | undefined;
  /** Pods of ours that are not ready, with what they wait for. */
  readonly waiting: readonly {
    readonly pod: string;
    readonly node: string;
    readonly why: string;
  }[];
  /** Nodes that MetalLB's speaker is to run on; undefined where the API did not tell it. */
  readonly speakers: ReadonlySet<string> | undefined;
  /** Why the probes could not be made. */
  readonly setUpFailure: string | undefined;
}

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  labels: z.record(z.string(), z.string()).default({}),
});

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});

const node = z.object({
  kind: z.literal('Node'),
  metadata,
  status: z.object({
    conditions: z.array(condition).default([]),
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
    nodeInfo: z.object({ kubeletVersion: z.string() }),
  }),
});

const service = z.object({
  kind: z.literal('Service'),
  metadata,
  spec: z.object({
    type: z.string().default('ClusterIP'),
    clusterIPs: z.array(z.string()).default([]),
    internalTrafficPolicy: z.string().default('Cluster'),
    trafficDistribution: z.string().optional(),
    ports: z
      .array(
        z.object({
          name: z.string().default(''),
          protocol: z.string().default('TCP'),
          port: z.int(),
          nodePort: z.int().optional(),
        }),
      )
      .default([]),
  }),
  status: z
    .object({
      loadBalancer: z
        .object({ ingress: z.array(z.object({ ip: z.string().optional() })).default([]) })
        .default({ ingress: [] }),
    })
    .default({ loadBalancer: { ingress: [] } }),
});

const slice = z.object({
  kind: z.literal('EndpointSlice'),
  metadata,
  addressType: z.string(),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: z.object({ ready: z.boolean().default(true) }).prefault({}),
        hints: z.unknown().optional(),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
  ports: z
    .array(
      z.object({
        name: z.string().default(''),
        protocol: z.string().default('TCP'),
        port: z.int().optional(),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
});
type Slice = z.infer<typeof slice>;

const pod = z.object({
  metadata,
  spec: z.object({ nodeName: z.string().default('') }),
  status: z.object({
    phase: z.string().default(''),
    podIP: z.string().default(''),
    conditions: z.array(condition).default([]),
    containerStatuses: z
      .array(
        z.object({
          state: z
            .object({
              waiting: z
                .object({ reason: z.string().default(''), message: z.string().default('') })
                .optional(),
            })
            .default({}),
        }),
      )
      .default([]),
  }),
});
type Pod = z.infer<typeof pod>;

const list = z.object({ items: z.array(z.discriminatedUnion('kind', [node, service, slice])) });
const podList = z.object({ items: z.array(pod) });

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function endpointText(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Reads what `readFragment` printed. */
export function parseClusterView(
  output: ProbeOutput,
  context: {
    readonly inventory: Inventory;
    readonly now: number;
    readonly setUpFailure: string | undefined;
  },
): ClusterView {
  const [objects = '', pods = '', speakers] = output.stdout.split(`\n${separator}\n`);
  const { items } = list.parse(JSON.parse(objects));
  const slices = items.filter((item) => item.kind === 'EndpointSlice');
  const probes = podList.parse(JSON.parse(pods)).items;
  const ready = probes.filter(isReady);
  const ofApp = (app: string): ProbePod[] =>
    ready
      .filter(({ metadata: { labels } }) => labels['app'] === app)
      .map(({ metadata: { name }, spec, status }) => ({
        name,
        node: spec.nodeName,
        address: status.podIP,
      }));
  return {
    ...context,
    nodes: items.filter((item) => item.kind === 'Node').map(nodeView),
    services: items
      .filter((item) => item.kind === 'Service')
      .map((item) => serviceView(item, slices)),
    probes: new Map(ofApp('probe').map((one) => [one.node, one])),
    guarded: ofApp('guarded')[0],
    waiting: probes.filter((one) => !isReady(one)).map(waitingView),
    speakers: speakers === undefined ? undefined : speakerNodes(speakers),
  };
}

function nodeView({ metadata: { name }, status }: z.infer<typeof node>): NodeView {
  const state = status.conditions.find(({ type }) => type === 'Ready');
  return {
    name,
    ready: state?.status === 'True',
    reason: state === undefined ? 'it has not reported yet' : `${state.reason}: ${state.message}`,
    version: status.nodeInfo.kubeletVersion,
    addresses: status.addresses
      .filter(({ type }) => type === 'InternalIP')
      .map(({ address }) => address),
  };
}

function serviceView(
  { metadata: { name, namespace }, spec, status }: z.infer<typeof service>,
  slices: readonly Slice[],
): ServiceView {
  const own = slices.filter(
    ({ metadata: { namespace: place, labels } }) =>
      place === namespace && labels['kubernetes.io/service-name'] === name,
  );
  const hinted = own.some(({ endpoints }) => endpoints.some(({ hints }) => hints !== undefined));
  return {
    namespace,
    name,
    addresses:
      spec.type === 'ExternalName'
        ? []
        : spec.clusterIPs.filter((address) => address !== '' && address !== 'None'),
    external: status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? []),
    everywhere:
      spec.internalTrafficPolicy === 'Cluster' && spec.trafficDistribution === undefined && !hinted,
    ports: spec.ports.map((port) => ({
      name: port.name,
      protocol: port.protocol.toLowerCase(),
      port: port.port,
      nodePort: port.nodePort,
      backends: own
        .flatMap(({ ports, endpoints }) => {
          const target = ports.find(
            (one) => one.name === port.name && one.protocol === port.protocol,
          )?.port;
          if (target === undefined) return [];
          return endpoints
            .filter(({ conditions }) => conditions.ready)
            .flatMap(({ addresses }) => addresses.map((address) => endpointText(address, target)));
        })
        .toSorted(),
    })),
  };
}

function isReady({ status }: Pod): boolean {
  return status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function waitingView({ metadata: { name }, spec, status }: Pod): ClusterView['waiting'][number] {
  const waiting = status.containerStatuses.flatMap(({ state }) => state.waiting ?? [])[0];
  const unscheduled = status.conditions.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const why =
    waiting !== undefined && waiting.reason !== ''
      ? [waiting.reason, waiting.message].filter((text) => text !== '').join(': ')
      : (unscheduled?.message ?? status.phase);
  return { pod: name, node: spec.nodeName, why };
}

/** The Service of the probes, and its one port. */
export function probeServiceOf(
  view: ClusterView,
):
  | { readonly service: ServiceView; readonly port: ServicePort; readonly address: string }
  | undefined {
  const service = view.services.find(
    ({ name, namespace }) => name === 'probe' && namespace === 'skerry-verify',
  );
  const [port] = service?.ports ?? [];
  const [address] = service?.addresses ?? [];
  if (service === undefined || port === undefined || address === undefined) return undefined;
  return { service, port, address };
}
