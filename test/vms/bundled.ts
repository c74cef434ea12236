import { bundledPackages } from '@skerry/kubernetes';
import { play, runbook } from '@skerry/runbook';
import { packages } from '@skerry/steps';

/** A package that lies in a bundle with what it needs. */
export default runbook({
  name: 'bundled',
  description: 'A package from the bundle',
  plays: [
    play('Packages', { hosts: 'all' }, ({ host, bundle }) => {
      const present = ['skerry-greeter'];
      const archives = bundledPackages(bundle, host.facts, present);
      return [packages('greeter', { present, ...(archives && { archives }) })];
    }),
  ],
});
