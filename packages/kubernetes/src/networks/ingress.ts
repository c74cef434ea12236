import type { KubernetesObject } from '../objects/kubernetes-object.ts';

/**
 * Settings of an ingress-nginx that is there (kubernetes.github.io/ingress-nginx, ConfigMaps). Many
 * requests over few connections, headers with large cookies, and the TLS of Mozilla's "intermediate"
 * profile (wiki.mozilla.org/Security/Server_Side_TLS, 5.7).
 */
export function ingressNginxProfile(namespace: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ingress-nginx-controller', namespace },
    data: {
      'keep-alive': '75',
      'keep-alive-requests': '1000',
      'upstream-keepalive-connections': '320',
      'large-client-header-buffers': '4 16k',
      'ssl-protocols': 'TLSv1.2 TLSv1.3',
      'ssl-ciphers':
        'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305',
      'ssl-session-tickets': 'false',
      hsts: 'true',
    },
  };
}
