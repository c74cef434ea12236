import type { Inventory } from '@skerry/inventory';
import { describe, expect, it } from 'vitest';
import { ciliumObjects } from '../src/networks/cilium-objects.ts';
import { probeObjects } from '../src/verification/probe-objects.ts';
import { checkNamed, findings, inventoryOf, judge, pool, viewOf } from './verification-view.ts';

const ofCilium = (...pools: readonly string[]): Inventory =>
  inventoryOf({
    network: 'cni: cilium, proxy: none',
    more: `  loadBalancer:
    cilium:
      pools: [${pools.map((text) => `{ ${text} }`).join(', ')}]
      peers: [{ name: tor, address: 192.168.121.1, asn: 64500, localAsn: 64512 }]
`,
  });
const edge = 'name: edge, addresses: [192.168.121.200-192.168.121.210]';
const far = 'name: far, addresses: [10.20.2.0/27], advertise: bgp';

interface Selected {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: {
    readonly type: string;
    readonly serviceSelector: {
      readonly matchLabels?: Record<string, string>;
      readonly matchExpressions?: readonly { readonly key: string; readonly operator: string }[];
    };
  };
}

function service(inventory: Inventory): Selected {
  const objects = probeObjects(inventory, { guarded: false }) as unknown as Selected[];
  const found = objects.find(({ kind }) => kind === 'Service');
  if (found === undefined) throw new Error('there is no Service');
  return found;
}

/** Cilium's pools whose selector takes the Service of the probes. */
function takenBy(inventory: Inventory): string[] {
  const labels = service(inventory).metadata.labels ?? {};
  return ciliumObjects(inventory)
    .map(({ object }) => object as unknown as Selected)
    .filter(({ kind, spec: { serviceSelector: selector } }) => {
      if (kind !== 'CiliumLoadBalancerIPPool') return false;
      const named = Object.entries(selector.matchLabels ?? {});
      const absent = selector.matchExpressions ?? [];
      return (
        named.every(([key, value]) => labels[key] === value) &&
        absent.every(({ key, operator }) => operator === 'DoesNotExist' && !(key in labels))
      );
    })
    .map(({ metadata: { name } }) => name);
}

describe('the Service of the probes', () => {
  it('asks MetalLB for a pool by its name', () => {
    const { metadata, spec } = service(inventoryOf({ more: pool }));
    expect(spec.type).toBe('LoadBalancer');
    expect(metadata.annotations).toMatchObject({ 'metallb.io/address-pool': 'edge' });
    expect(metadata.labels).toBeUndefined();
  });

  it.each([
    ['given out by itself, l2', [edge], ['edge']],
    ['given out by itself, bgp', [far], ['far']],
    ['for those that name it, bgp', [`${far}, autoAssign: false`], ['far']],
    ['l2 before bgp', [far, `${edge}, autoAssign: false`], ['edge']],
    ['l2 before bgp, the other way round', [`${far}, autoAssign: false`, edge], ['edge']],
  ])('is taken by a pool of Cilium: %s', (_name, pools, names) => {
    const inventory = ofCilium(...pools);
    expect(service(inventory).spec.type).toBe('LoadBalancer');
    expect(service(inventory).metadata.annotations).toBeUndefined();
    expect(takenBy(inventory)).toEqual(names);
  });

  it('has a NodePort only, where nobody gives out addresses', () => {
    const { metadata, spec } = service(inventoryOf());
    expect(spec.type).toBe('NodePort');
    expect(metadata).toEqual({ name: 'probe', namespace: 'skerry-verify' });
  });
});

describe('an address of a pool of Cilium', () => {
  const check = checkNamed('service-load-balancer');
  const call = {
    address: '192.168.121.200',
    port: 80,
    result: 'answered',
    text: '{"node":"lab-2","pod":"probe-b","client":"192.168.121.1"}\n',
    segment: 'eth0',
    neighbours: ['52:54:00:a8:79:0b'],
  } as const;

  it.each([[edge], [far]])('is looked at: %s', (text) => {
    const view = viewOf(ofCilium(text));
    expect(check.skip?.(view)).toBeUndefined();
    expect(check.calls?.(view)).toEqual([{ address: '192.168.121.200', port: 80 }]);
    const [found] = findings(judge('service-load-balancer', view));
    expect(found?.what).toContain('no address');
    expect(found?.fix).toContain('ciliumloadbalancerippools');
  });

  it('is told with the pool that Cilium took it of, and as that is told', () => {
    const other = 'name: other, addresses: [192.168.121.220-192.168.121.230]';
    const looked = (...pools: readonly string[]) =>
      judge('service-load-balancer', viewOf(ofCilium(...pools)), {}, [call]);
    expect(looked(other, edge)).toEqual({
      status: 'passed',
      looked:
        'HTTP to 192.168.121.200:80 of the pool edge, answered by probe-b on lab-2, ARP answered by 52:54:00:a8:79:0b',
    });
    const routed = 'name: routed, addresses: [192.168.121.192/27], advertise: bgp';
    expect(looked(routed)).toEqual({
      status: 'passed',
      looked:
        'HTTP to 192.168.121.200:80 of the pool routed, answered by probe-b on lab-2, announced by BGP',
    });
  });

  it('fails where two answer ARP for it', () => {
    const two = { ...call, neighbours: ['52:54:00:a8:79:0b', '52:54:00:a8:79:0c'] };
    const verdict = judge('service-load-balancer', viewOf(ofCilium(edge)), {}, [two]);
    expect(findings(verdict)[0]?.what).toContain('2 hardware addresses answer');
  });
});
