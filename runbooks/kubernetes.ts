import {
  artifact,
  bundledFor,
  bundledImages,
  bundledKubelet,
  clusterObjects,
  controlPlaneOf,
  controlPlanesOf,
  images,
  keepalivedSteps,
  kubeVipSteps,
  kubeletConfigFolder,
  kubeletSettings,
  kubeletUnits,
  membershipOf,
  networkSteps,
  objectsText,
  packagesKeyFingerprint,
  packagesOf,
  patchSteps,
  programPackages,
  proxyLeftovers,
  runningControlPlanes,
} from '@skerry/kubernetes';
import { play, runbook, type PlayContext } from '@skerry/runbook';
import {
  directory,
  file,
  handler,
  packageRepository,
  packages,
  service,
  type Step,
} from '@skerry/steps';

const nodes = 'role=control-plane:role=worker';

const wanted = ({ inventory }: PlayContext): boolean => inventory.kubernetes.version !== undefined;

const isFirst = ({ inventory, host }: PlayContext): boolean =>
  controlPlanesOf(inventory)[0]?.name === host.name;

/** A kubelet that has no cluster yet is started by kubeadm. */
const restartKubelet = handler(
  'restart kubelet',
  '[ -e /etc/kubernetes/kubelet.conf ] || exit 0; systemctl daemon-reload && systemctl restart kubelet',
);

/** kubeadm, kubelet and kubectl: from the bundle, else from the package repository. */
function programs({ host, inventory, bundle }: PlayContext): Step[] {
  const { kubernetes } = inventory;
  const { architecture, family } = host.facts;
  if (bundle === undefined) {
    const { apt, dnf } = packagesOf(kubernetes);
    const repository = packageRepository('kubernetes', {
      apt,
      dnf,
      keyFile: 'runbooks/kubernetes-packages.asc',
      fingerprints: [packagesKeyFingerprint],
    });
    return [
      repository,
      packages('kubernetes', {
        present: programPackages(kubernetes, family),
        needs: repository,
        notify: restartKubelet,
      }),
    ];
  }
  const { files } = bundledFor(bundle, { architecture, controlPlane: true });
  const kubelet = bundledKubelet(files, kubernetes);
  const units = files.some(({ install }) => install.endsWith('/kubelet.service'))
    ? []
    : kubeletUnits(kubelet);
  return [
    artifact('kubernetes', files, { notify: restartKubelet }),
    ...units.flatMap(({ path, content }) => [
      ...(path.includes('.d/') ? [directory(path.replace(/\/[^/]*$/, ''))] : []),
      file(path, { content, notify: restartKubelet }),
    ]),
  ];
}

function controlPlane(context: PlayContext): Step[] {
  const { host, inventory, fleet } = context;
  const step = membershipOf(inventory, host, fleet);
  const pods = controlPlaneOf(inventory, host, { needs: step });
  if (inventory.kubernetes.endpoint?.via !== 'kube-vip') return [step, pods];
  const begins = isFirst(context) && runningControlPlanes(inventory, fleet).length === 0;
  const { before, after } = kubeVipSteps(inventory, host, { step, begins });
  return [...before, step, ...after, pods];
}

export default runbook({
  name: 'kubernetes',
  description: 'From prepared nodes to a cluster: programs, control planes, workers, objects',
  plays: [
    play('Kubernetes programs', { hosts: nodes, when: wanted, tags: ['programs'] }, (context) => {
      const { host, inventory } = context;
      const installed = programs(context);
      return [
        ...installed,
        directory('/etc/kubernetes'),
        directory(kubeletConfigFolder),
        file(`${kubeletConfigFolder}/50-skerry.conf`, {
          content: objectsText([kubeletSettings(inventory)]),
          notify: restartKubelet,
        }),
        ...patchSteps(inventory),
        ...networkSteps(inventory, host),
        service('kubelet', { enabled: true, needs: installed }),
      ];
    }),

    play(
      'Images',
      // They need nothing but containerd, which earlier runbooks have set up.
      { hosts: nodes, when: wanted, tags: ['images'], alongside: 'Kubernetes programs' },
      ({ host, inventory, bundle }) =>
        bundle === undefined ? [] : [images('kubernetes', bundledImages(bundle, inventory, host))],
    ),

    play(
      'Endpoint',
      {
        hosts: 'role=control-plane',
        when: (context) =>
          wanted(context) && context.inventory.kubernetes.endpoint?.via === 'keepalived',
        tags: ['endpoint'],
        serial: 1,
      },
      ({ host, inventory, bundle }) => keepalivedSteps(inventory, host, bundle),
    ),

    play(
      'First control plane',
      {
        hosts: 'role=control-plane',
        when: (context) => wanted(context) && isFirst(context),
        tags: ['control-plane'],
        maxFailPercentage: 0,
      },
      controlPlane,
    ),

    play(
      'Further control planes',
      {
        hosts: 'role=control-plane',
        when: (context) => wanted(context) && !isFirst(context),
        tags: ['control-plane'],
        serial: 1,
      },
      controlPlane,
    ),

    play(
      'Workers',
      {
        hosts: 'role=worker',
        when: (context) => wanted(context) && !context.host.roles.includes('control-plane'),
        tags: ['workers'],
      },
      ({ host, inventory, fleet }) => [membershipOf(inventory, host, fleet)],
    ),

    play(
      'Cluster objects',
      {
        hosts: 'role=control-plane',
        when: (context) => wanted(context) && isFirst(context),
        tags: ['objects'],
        // They need no worker but for its labels, and wait for those.
        alongside: 'Workers',
      },
      (context) => [
        clusterObjects(context, {
          needs: membershipOf(context.inventory, context.host, context.fleet),
        }),
      ],
    ),

    play('Leftovers', { hosts: nodes, when: wanted, tags: ['leftovers'] }, (context) => {
      const { host, inventory, fleet } = context;
      // Where all objects are applied the rollout of kube-proxy has ended by then.
      const rollout = isFirst(context)
        ? [clusterObjects(context)]
        : [membershipOf(inventory, host, fleet)];
      return [proxyLeftovers(inventory.kubernetes.network.proxy, { needs: rollout })];
    }),
  ],
});
