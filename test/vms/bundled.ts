import { packagesStep } from '@skerry/kubernetes';
import { play, runbook } from '@skerry/runbook';

/** A package that lies in a bundle with what it needs. */
export default runbook({
  name: 'bundled',
  description: 'A package from the bundle',
  plays: [
    play('Packages', { hosts: 'all' }, (context) => [
      packagesStep('greeter', ['skerry-greeter'], context),
    ]),
  ],
});
