import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kubernetesSettings, parseInventory } from '../src/index.ts';
import { brief, faultsOf, parse } from './faults.ts';

const head = 'cluster: {name: x}\ngroups: {g: {hosts: {n: {address: 10.0.0.1}}}}\n';
const section = (text: string): string => `${head}kubernetes:\n${text}`;
const oslo = readFileSync(new URL('../../../inventory/oslo.yaml', import.meta.url), 'utf8');
const page = readFileSync(new URL('../../../docs/inventory.md', import.meta.url), 'utf8');

describe('the kubernetes section', () => {
  it('need not be there: nodes are then prepared for nftables', () => {
    const { kubernetes, kubernetesPlaces } = parse(head);
    expect(kubernetes).toMatchObject({ network: { proxy: 'nftables' } });
    expect(kubernetes.version).toBeUndefined();
    expect(kubernetesPlaces.size).toBe(0);
  });

  it('has the usual values where it says nothing', () => {
    const { network, dns, policies, loadBalancer } = parse(
      section('  version: 1.36.3\n'),
    ).kubernetes;
    expect(network).toMatchObject({
      pods: ['10.244.0.0/16'],
      services: ['10.96.0.0/12'],
      proxy: 'nftables',
      ipvs: { scheduler: 'rr', syncPeriod: '30s' },
    });
    expect(dns).toEqual({ domain: 'cluster.local', nodeLocal: false });
    expect(policies).toEqual({ default: 'allow', namespaces: ['default'], allow: [] });
    expect(loadBalancer.metallb).toBeUndefined();
  });

  it('takes what the example of the issue and of a real site writes', () => {
    const { kubernetes } = parseInventory(oslo, 'inventory/oslo.yaml');
    expect(kubernetes.endpoint).toMatchObject({ address: '10.20.0.10', port: 6443 });
    expect(kubernetes.network.cni).toMatchObject({ name: 'cilium', loadBalancer: 'dsr' });
    expect(kubernetes.loadBalancer.metallb?.pools.map(({ name }) => name)).toEqual([
      'edge',
      'partners',
    ]);
  });

  it.each(['cilium', 'calico', 'flannel', 'routed', 'weave'])(
    'takes %s as a name, and as a name with options',
    (name) => {
      const short = parse(section(`  network: {cni: ${name}}\n`)).kubernetes.network.cni;
      const long = parse(section(`  network: {cni: {${name}: {}}}\n`)).kubernetes.network.cni;
      const empty = parse(section(`  network:\n    cni:\n      ${name}:\n`)).kubernetes.network.cni;
      expect(short?.name).toBe(name);
      expect(long).toEqual(short);
      expect(empty).toEqual(short);
    },
  );

  it('takes two networks for dual stack', () => {
    const { network } = parse(
      section('  network: {pods: [10.244.0.0/16, "fd00:244::/56"]}\n'),
    ).kubernetes;
    expect(network.pods).toEqual(['10.244.0.0/16', 'fd00:244::/56']);
  });

  it('knows where each part stands', () => {
    const { kubernetesPlaces: places } = parse(
      section(
        '  network: {pods: 10.244.0.0/16}\n  policies:\n    allow: [dns, {to: a=b, from: any}]\n',
      ),
    );
    const at = (path: string): string | undefined => {
      const place = places.get(path);
      return place && `${place.line}:${place.column}+${place.length}`;
    };
    expect(at('')).toBe('3:1+10');
    expect(at('network')).toBe('4:3+7');
    expect(at('network.pods')).toBe('4:19+13');
    expect(at('policies.allow[0]')).toBe('6:13+3');
    expect(at('policies.allow[1].to')).toBe('6:23+3');
  });

  it.each([
    ['  version: 1.36\n', 'wrong-type 4:12'],
    ['  version: v1.36.3\n', 'invalid-version 4:12'],
    ['  versoin: 1.36.3\n', 'unknown-key 4:3'],
    ['  network: {pods: 10.244.0.0}\n', 'invalid-value 4:19'],
    ['  network: {proxy: ipsv}\n', 'invalid-value 4:20'],
    ['  network: {cni: cillium}\n', 'invalid-value 4:18'],
    ['  network: {cni: {cilium: {}, calico: {}}}\n', 'invalid-cni 4:13'],
    ['  network: {cni: {cilium: {routng: native}}}\n', 'unknown-key 4:28'],
    ['  network: {ipvs: {syncPeriod: 30}}\n', 'wrong-type 4:32'],
    ['  network: {nftables: {minSyncPeriod: soon}}\n', 'invalid-duration 4:39'],
    ['  network: {iptables: {syncPeriods: 30s}}\n', 'unknown-key 4:24'],
    ['  endpoint: {address: 10.0.0.9}\n', 'invalid-value 4:3'],
    [
      '  loadBalancer: {metallb: {pools: [{name: Edge, addresses: []}]}}\n',
      'invalid-object-name 4:43',
    ],
    [
      '  loadBalancer: {metallb: {pools: [], peers: [{name: r, address: 10.0.0.2, asn: 1, localAsn: 2, password: hunter22}]}}\n',
      'secret-literal 4:107',
    ],
    [
      '  loadBalancer: {metallb: {pools: [], communities: {site: "65536:1"}}}\n',
      'invalid-community 4:59',
    ],
    [
      '  loadBalancer: {metallb: {pools: [{name: edge, addresses: [], communities: ["1:65536"]}]}}\n',
      'invalid-community 4:78',
    ],
    [
      '  loadBalancer: {cilium: {pools: [], communities: {site: "large:1:2:4294967296"}}}\n',
      'invalid-community 4:58',
    ],
    [
      '  ingress: {controller: gateway-api, patches: {"Deployment envoy-gateway": {spec: {replicas: 2}}}}\n',
      'invalid-value 4:38',
    ],
    ['  policies: {allow: [{to: app, from: any}]}\n', 'invalid-selector 4:27'],
    ['  policies: {allow: [{to: a=b, from: any, ports: [http]}]}\n', 'invalid-port 4:51'],
    ['  policies: {allow: [dsn]}\n', 'invalid-value 4:22'],
  ])('refuses %j', (text, expected) => {
    expect(brief(faultsOf(section(text)))).toEqual([expected]);
  });

  it.each([
    ['tunnel: disabled', /"routing: native"/],
    ['nativeRoutingCIDR: 10.244.0.0/16', /"nativeNetwork: …"/],
    ['kubeProxyReplacement: strict', /"proxy: none" below "network:"/],
  ])('says what Cilium’s %s is called here', (option, fix) => {
    const faults = faultsOf(section(`  network: {cni: {cilium: {${option}}}}\n`));
    expect(brief(faults)).toEqual(['unknown-key 4:28']);
    expect(faults[0]?.fix).toMatch(fix);
  });

  it.each(['etcd', 'etcd0+json', 'kube-apiserver+strategic', 'corednsdeployment+merge'])(
    'takes %s as the name of a patch of kubeadm',
    (name) => {
      const { kubeadm } = parse(section(`  kubeadm: {patches: {${name}: {}}}\n`)).kubernetes;
      expect(Object.keys(kubeadm.patches)).toEqual([name]);
    },
  );

  it.each([
    ['kube-apisrver+json', 'did you mean "kube-apiserver"?'],
    ['kubeproxydaemonset', /kubeadm has no such patch/],
    ['kubeletconfiguration+merge', /below "kubelet:"/],
    ['etcd+yaml', /^write TARGET/],
    // kubeadm would take it for a strategic patch.
    ['etcd0.1+json', /^write TARGET/],
    ['nonsense', /targets are etcd, /],
  ])('refuses %s as the name of a patch of kubeadm', (name, fix) => {
    const faults = faultsOf(section(`  kubeadm: {patches: {${name}: {}}}\n`));
    expect(brief(faults)).toEqual(['invalid-patch-name 4:23']);
    expect(faults[0]?.fix).toMatch(fix);
  });

  it('has every key in docs/inventory.md', () => {
    const known = (shape: Readonly<Record<string, unknown>>): string[] => Object.keys(shape);
    for (const key of known(kubernetesSettings.shape)) {
      expect(page).toMatch(new RegExp(`\`${key}[.\`]`));
    }
    for (const key of known(kubernetesSettings.shape.network.unwrap().shape)) {
      expect(page).toContain(`\`network.${key}\``);
    }
  });
});
