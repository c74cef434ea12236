import {
  containerdConfigVersion,
  hostPackages,
  modulesFor,
  namesByAddress,
  oldestKernel,
  packagesStep,
  parametersFor,
  pauseImageOf,
  registryHosts,
  twinsOf,
} from '@skerry/kubernetes';
import { play, runbook } from '@skerry/runbook';
import {
  blockQueue,
  directory,
  file,
  filesystem,
  gate,
  hostname,
  hostsEntries,
  kernelCommandLine,
  kernelModules,
  mount,
  reboot,
  restart,
  service,
  swap,
  sysctl,
  template,
  timeSync,
} from '@skerry/steps';

export default runbook({
  name: 'prepare-nodes',
  description: 'Kernel, disks and container runtime of every node',
  plays: [
    play('Kernel', { hosts: 'all', tags: ['kernel'] }, (context) => {
      const { host, inventory, fleet } = context;
      const { node, facts } = host;
      const { proxy, ipvs } = inventory.kubernetes.network;
      const tools = packagesStep('node', hostPackages(inventory, host, facts).tools, context);
      const modules = kernelModules('kubernetes', {
        modules: modulesFor({
          kernel: facts.kernel,
          proxy,
          ipvsScheduler: ipvs.scheduler,
          extra: node.modules,
        }),
      });
      const wanted = node.kernelArguments;
      const bootArguments = kernelCommandLine({ arguments: wanted, when: wanted.length > 0 });
      const timeSynced = timeSync({ servers: node.timeServers, needs: tools });
      return [
        gate('kernel', { kernel: oldestKernel(proxy), cgroup: 2, xen: { minimum: '4.17' } }),
        gate('identity', { unique: twinsOf(host.name, fleet) }),
        hostname(host.name, { when: node.hostname }),
        hostsEntries('cluster', namesByAddress(inventory, host), { when: node.hostsEntries }),
        tools,
        modules,
        sysctl('kubernetes', parametersFor(node.sysctl), { needs: modules }),
        swap({ enabled: node.swap }),
        timeSynced,
        bootArguments,
        reboot({
          when: node.reboot === 'when-required' ? 'required' : 'never',
          arguments: wanted,
          needs: [tools, bootArguments],
        }),
        gate('clock', { clock: {}, needs: timeSynced, when: node.clock === 'synchronized' }),
      ];
    }),

    play('Disks', { hosts: 'all', tags: ['disks'] }, ({ host }) => {
      const { disks, wipe, etcdDisk } = host.node;
      const steps = disks.flatMap(({ serial, id, filesystem: type, label, scheduler, ...disk }) => {
        const made = filesystem({ serial, id, type, label, wipe });
        return [
          blockQueue({ serial, id, scheduler }),
          made,
          mount(disk.mount, { serial, id, type, options: disk.options, needs: made }),
        ];
      });
      if (etcdDisk === undefined) return steps;
      const folder = directory(etcdDisk.path, { mode: '0700', needs: steps });
      const { path, fsyncP99, size } = etcdDisk;
      return [
        ...steps,
        folder,
        gate('etcd disk', { fsync: { path, p99: fsyncP99, size }, needs: [folder, ...steps] }),
      ];
    }),

    play('Container runtime', { hosts: 'all', tags: ['containerd'] }, (context) => {
      const { host, inventory } = context;
      const { distribution, version } = host.facts;
      const { mirrors } = host.node.containerd;
      const pauseImage = pauseImageOf(inventory, host);
      const { runtime } = hostPackages(inventory, host, host.facts);
      const containerd = packagesStep('containerd', runtime, context);
      return [
        containerd,
        directory('/etc/containerd/certs.d', { needs: containerd }),
        ...registryHosts(mirrors).flatMap(({ path, ...vars }) => [
          directory(path.replace(/\/[^/]*$/, '')),
          template(path, 'containerd/hosts.toml.hbs', { vars }),
        ]),
        template('/etc/containerd/config.toml', 'containerd/config.toml.hbs', {
          vars: { version: containerdConfigVersion({ distribution, version }), pauseImage },
          needs: containerd,
          notify: restart('containerd'),
        }),
        file('/etc/crictl.yaml', {
          content: 'runtime-endpoint: unix:///run/containerd/containerd.sock\n',
        }),
        service('containerd', { enabled: true, running: true, needs: containerd }),
      ];
    }),
  ],
});
