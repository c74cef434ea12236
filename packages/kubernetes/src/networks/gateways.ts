/** Whether the kinds of Gateway API are installed, whoever serves Gateways. */
export function hasGateways(ingress: { readonly controller: string } | undefined): boolean {
  return ingress?.controller === 'gateway-api' || ingress?.controller === 'envoy-gateway';
}

/**
 * What Envoy Gateway starts for every Gateway, which stands in no object: DefaultEnvoyProxyImage of
 * api/v1alpha1/shared_types.go of v1.9.0, as gateway.envoyproxy.io/news/releases/matrix has it.
 */
export const envoyProxyImage = 'docker.io/envoyproxy/envoy:distroless-v1.39.0';
