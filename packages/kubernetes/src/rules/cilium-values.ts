/** A value of Cilium's chart that is history, and what to write instead. */
interface Removed {
  readonly path: string;
  readonly what: string;
  readonly fix: string;
}

type Values = Readonly<Record<string, unknown>>;

/** By name: what happened to it, and what to write. */
const names: Readonly<Record<string, (value: unknown) => { what: string; fix: string }>> = {
  tunnel: (value) => ({
    what: '"tunnel" was removed in Cilium 1.15',
    fix:
      value === 'disabled'
        ? 'write "routing: native" on cilium (routingMode: native in the chart)'
        : `write "routing: ${value === 'geneve' ? 'geneve' : 'vxlan'}" on cilium (routingMode: tunnel and tunnelProtocol in the chart)`,
  }),
  nativeRoutingCIDR: (value) => ({
    what: '"nativeRoutingCIDR" is no value of the chart any more',
    fix: `write "nativeNetwork: ${shown(value)}" on cilium (ipv4NativeRoutingCIDR in the chart)`,
  }),
};

function shown(value: unknown): string {
  return typeof value === 'string' ? value : 'NETWORK';
}

/** What `kubeProxyReplacement` was allowed to be once. */
const oldReplacements = ['strict', 'partial', 'probe', 'disabled'];

/** Every value that the chart does not know any more, with what took its place. */
export function removedCiliumValues(values: Values): Removed[] {
  const found: Removed[] = [];
  for (const [name, describe] of Object.entries(names)) {
    if (!(name in values)) continue;
    found.push({ path: name, ...describe(values[name]) });
  }
  const replacement = values['kubeProxyReplacement'];
  if (typeof replacement === 'string' && oldReplacements.includes(replacement)) {
    found.push({
      path: 'kubeProxyReplacement',
      what: `"kubeProxyReplacement: ${replacement}" is no value of the chart any more`,
      fix: 'leave it out: "proxy: none" turns the replacement on ("true" in the chart), another mode off',
    });
  }
  if (values['tunnelProtocol'] === 'disabled') {
    found.push({
      path: 'tunnelProtocol',
      what: '"tunnelProtocol" was never "disabled"',
      fix: 'write "routing: native" on cilium (routingMode: native in the chart)',
    });
  }
  return found;
}
