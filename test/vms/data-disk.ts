import { play, runbook } from '@skerry/runbook';
import { filesystem } from '@skerry/steps';

export default runbook({
  name: 'data-disk',
  description: 'Asks for ext4 on the disk with the data',
  plays: [
    play('Data', { hosts: 'lab-1' }, () => [filesystem({ serial: 'SKERRYDATA1', type: 'ext4' })]),
  ],
});
