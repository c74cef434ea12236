import { play, runbook } from '@skerry/runbook';
import { filesystem } from '@skerry/steps';

export default runbook({
  name: 'data-disk-wiped',
  description: 'Asks for ext4 on the disk with the data, and names it as one that may be wiped',
  plays: [
    play('Data', { hosts: 'lab-1' }, () => [
      filesystem({ serial: 'SKERRYDATA1', type: 'ext4', wipe: ['SKERRYDATA1'] }),
    ]),
  ],
});
