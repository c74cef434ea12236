import { readFileSync } from 'node:fs';
import { parseInventory } from '@skerry/inventory';
import { describe, expect, test } from 'vitest';
import { checkCluster, metallbObjects, networkPolicies, objectsText } from '../src/index.ts';
import { changed, marked, sound } from './marked-inventory.ts';
import { isAllowed, type Party } from './policy-judge.ts';

const path = 'inventory/oslo.yaml';
const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const oslo = parseInventory(text, path).kubernetes;

describe("MetalLB's objects", () => {
  test('for BGP with communities', async () => {
    await expect(objectsText(metallbObjects(oslo))).toMatchFileSnapshot('golden/metallb-bgp.yaml');
  });

  test('for L2, of IPv6 too, and for BGP with a password', async () => {
    const { inventory } = marked(
      changed(
        ['advertise: l2', 'advertise: l2, interfaces: [eth1], avoidBuggyAddresses: true'],
        [
          '      pools:',
          '      peers: [{ name: tor, address: 10.20.0.1, asn: 64512, localAsn: 64513, password: env:BGP_PASSWORD, multihop: true }]\n      pools:\n        - { name: six, addresses: ["fd00:20::/64"], advertise: l2 }\n        - { name: far, addresses: [10.20.2.0/27], advertise: bgp, aggregation: 28, localPreference: 200 }',
        ],
      ),
    );
    expect(checkCluster(inventory, { today: '2026-11-22' })).toEqual([]);
    const objects = objectsText(metallbObjects(inventory.kubernetes));
    expect(objects).not.toContain('BGP_PASSWORD');
    await expect(objects).toMatchFileSnapshot('golden/metallb-l2.yaml');
  });

  test('are none without MetalLB', () => {
    const none = marked(sound.replace(/ {2}loadBalancer:[\s\S]*(?= {2}policies)/, '')).inventory;
    expect(metallbObjects(none.kubernetes)).toEqual([]);
  });
});

describe('NetworkPolicies', () => {
  const of = (policies: string) =>
    networkPolicies(
      marked(sound.replace(/ {2}policies:[\s\S]*/, `  policies: ${policies}\n`)).inventory
        .kubernetes,
    );
  const pod = (namespace: string, app: string): Party => ({ namespace, labels: { app } });
  const web = pod('web', 'web');
  const other = pod('web', 'other');
  const proxy = pod('ingress', 'proxy');
  const dns: Party = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
  const outside: Party = { namespace: undefined, labels: {} };

  test('of the example', async () => {
    await expect(objectsText(networkPolicies(oslo))).toMatchFileSnapshot('golden/policies.yaml');
  });

  test('are none where nothing is said', () => {
    expect(of('{}')).toEqual([]);
    expect(of('{ default: allow, allow: [dns] }')).toEqual([]);
  });

  test('deny everything, and let through what is allowed and nothing else', () => {
    const policies = of(
      '{ default: deny, namespaces: [web], allow: [dns, { to: app=web, ports: [8080], from: namespace=ingress }] }',
    );
    expect(isAllowed(policies, proxy, web, '8080/tcp')).toBe(true);
    expect(isAllowed(policies, proxy, web, '8081/tcp')).toBe(false);
    expect(isAllowed(policies, proxy, web, '8080/udp')).toBe(false);
    expect(isAllowed(policies, proxy, other, '8080/tcp')).toBe(false);
    expect(isAllowed(policies, other, web, '8080/tcp')).toBe(false);
    expect(isAllowed(policies, pod('apps', 'proxy'), web, '8080/tcp')).toBe(false);
    expect(isAllowed(policies, outside, web, '8080/tcp')).toBe(false);
    for (const port of ['53/udp', '53/tcp']) expect(isAllowed(policies, web, dns, port)).toBe(true);
    expect(isAllowed(policies, web, dns, '443/tcp')).toBe(false);
    expect(isAllowed(policies, web, outside, '443/tcp')).toBe(false);
  });

  test('open both ends of a path inside of a namespace', () => {
    const policies = of(
      '{ default: deny, namespaces: [web], allow: [dns, { to: app=web, from: app=other, ports: [80, 9000-9010/udp] }] }',
    );
    expect(isAllowed(policies, other, web, '80/tcp')).toBe(true);
    expect(isAllowed(policies, other, web, '9005/udp')).toBe(true);
    expect(isAllowed(policies, other, web, '9011/udp')).toBe(false);
    expect(isAllowed(policies, web, other, '80/tcp')).toBe(false);
  });

  test('open both ends of a path between two namespaces that deny', () => {
    const policies = of(
      '{ default: deny, namespaces: [web, ingress], allow: [dns, { to: namespace=web/app=web, from: namespace=ingress/app=proxy, ports: [80] }] }',
    );
    expect(isAllowed(policies, proxy, web, '80/tcp')).toBe(true);
    expect(isAllowed(policies, pod('ingress', 'other'), web, '80/tcp')).toBe(false);
    expect(isAllowed(policies, proxy, other, '80/tcp')).toBe(false);
    const short = of(
      '{ default: deny, namespaces: [web, ingress], allow: [dns, { to: app=web, from: namespace=ingress, ports: [80] }] }',
    );
    expect(isAllowed(short, proxy, web, '80/tcp')).toBe(true);
    expect(isAllowed(short, web, proxy, '80/tcp')).toBe(false);
  });

  test('know any, the namespace itself and what lies outside', () => {
    const any = of(
      '{ default: deny, namespaces: [web], allow: [dns, { to: app=web, from: any, ports: [80] }] }',
    );
    for (const from of [outside, proxy, other])
      expect(isAllowed(any, from, web, '80/tcp')).toBe(true);
    expect(isAllowed(any, outside, other, '80/tcp')).toBe(false);
    const same = of('{ default: deny, namespaces: [web], allow: [dns, same-namespace] }');
    expect(isAllowed(same, web, other, '1/tcp')).toBe(true);
    expect(isAllowed(same, proxy, other, '1/tcp')).toBe(false);
    const internet = of('{ default: deny, namespaces: [web], allow: [dns, internet] }');
    expect(isAllowed(internet, web, outside, '443/tcp')).toBe(true);
    expect(isAllowed(internet, web, proxy, '443/tcp')).toBe(false);
    expect(isAllowed(internet, outside, web, '443/tcp')).toBe(false);
  });

  test('have names of their own in each namespace, that Kubernetes takes', () => {
    const policies = of(
      '{ default: deny, namespaces: [a, b], allow: [dns, internet, same-namespace, { to: app=web, from: any }, { to: app=web, from: any, ports: [80] }, { to: app.kubernetes.io/name=X_y, from: 10.0.0.0/8 }] }',
    );
    const names = policies.map(({ metadata }) => {
      const { name, namespace } = metadata as { name: string; namespace: string };
      expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      return `${namespace}/${name}`;
    });
    expect(new Set(names).size).toBe(names.length);
  });
});
