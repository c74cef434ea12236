/** Texts of unit files by their path. */
type Units = readonly { readonly path: string; readonly content: string }[];

/**
 * The unit of the kubelet and what kubeadm adds to it, for nodes that get their programs from a
 * bundle: packages bring their own. The files named are those that kubeadm writes.
 */
export function kubeletUnits(kubelet: string): Units {
  return [
    {
      path: '/etc/systemd/system/kubelet.service',
      content: `# Managed by Skerry.
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=${kubelet}
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`,
    },
    {
      path: '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf',
      content: `# Managed by Skerry.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=${kubelet} $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`,
    },
  ];
}
