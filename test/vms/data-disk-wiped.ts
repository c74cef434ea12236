import { play, runbook } from '@skerry/runbook';
import { filesystem, packages } from '@skerry/steps';

export default runbook({
  name: 'data-disk-wiped',
  description: 'Asks for XFS on the disk with the data, and names it as one that may be wiped',
  plays: [
    play('Data', { hosts: 'lab-1' }, () => {
      const tools = packages('xfs', { present: ['xfsprogs'] });
      const data = { serial: 'SKERRYDATA1', type: 'xfs' as const, wipe: ['SKERRYDATA1'] };
      return [tools, filesystem({ ...data, needs: tools })];
    }),
  ],
});
