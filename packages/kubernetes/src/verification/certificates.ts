import { X509Certificate } from 'node:crypto';
import { sh, type Check, type Finding, type Fragment } from '@skerry/steps';
import type { ClusterView } from './cluster-view.ts';
import { counted, verdictOf } from './probe-tasks.ts';

/** Days before the end from which on a certificate is a finding; the kubelet renews its own before. */
const warnDays = 14;

/** Prints certificates only, never a key: \`== PATH\`, then PEM. */
const read: Fragment = sh(`
for path in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt \\
  /var/lib/kubelet/pki/kubelet-client-current.pem; do
  [ -f "$path" ] || continue
  echo "== $path"
  sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/p' "$path"
done
for path in /etc/kubernetes/*.conf; do
  [ -f "$path" ] || continue
  data=$(sed -n 's/^ *client-certificate-data: *//p' "$path")
  [ -n "$data" ] || continue
  echo "== $path"
  printf '%s\\n' "$data" | base64 -d
done
`);

interface Certificate {
  readonly path: string;
  readonly days: number;
}

/** The first certificate of each file is its own; those after it are whom it trusts. */
function certificatesOf(text: string, now: number): readonly Certificate[] {
  return text
    .split(/^== /m)
    .slice(1)
    .flatMap((block) => {
      const path = block.slice(0, block.indexOf('\n'));
      const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(block)?.[0];
      if (pem === undefined) return [];
      const end = new X509Certificate(pem).validToDate.getTime();
      return [{ path, days: Math.floor((end - now) / 86_400_000) }];
    });
}

export const certificates: Check<ClusterView> = {
  id: 'certificates',
  title: 'Certificates are valid for two weeks at least',
  on: 'nodes',
  looksAt: 'the certificates below /etc/kubernetes and of the kubelet, as they lie on each node',
  fragment: () => read,
  judge({ now }, answers) {
    let count = 0;
    let first: (Certificate & { host: string }) | undefined;
    const findings = [...answers].flatMap(([host, { code, stdout, stderr }]): Finding[] => {
      const found = code === 0 ? certificatesOf(stdout, now) : [];
      if (found.length === 0) {
        const why = stderr.trim() || 'no certificate is where kubeadm puts them';
        return [{ what: `${host}: no certificate could be read`, why }];
      }
      count += found.length;
      for (const one of found) {
        if (first === undefined || one.days < first.days) first = { ...one, host };
      }
      return found
        .filter(({ days }) => days < warnDays)
        .map(({ path, days }) => ({
          what:
            days < 0
              ? `${host}: ${path} has run out, ${counted(-days, 'day')} ago`
              : `${host}: ${path} runs out in ${counted(days, 'day')}`,
          why: 'kubeadm’s certificates are valid for a year, and are renewed by an upgrade only',
          fix: path.includes('kubelet')
            ? `the kubelet renews its own: look at journalctl -u kubelet on ${host}`
            : `on ${host}: kubeadm certs renew all, then restart the control plane’s pods`,
        }));
    });
    const next =
      first === undefined
        ? ''
        : `; the first to end: ${first.path} on ${first.host}, in ${counted(first.days, 'day')}`;
    return verdictOf(
      `${counted(count, 'certificate')} on ${counted(answers.size, 'node')}${next}`,
      findings,
    );
  },
};
