import { play, runbook } from '@skerry/runbook';
import { kernelCommandLine } from '@skerry/steps';

export default runbook({
  name: 'boot-arguments',
  description: 'Asks a directly booted machine for an argument of its kernel',
  plays: [play('Boot', { hosts: 'lab-2' }, () => [kernelCommandLine({ arguments: ['quiet2'] })])],
});
