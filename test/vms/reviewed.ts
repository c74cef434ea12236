import { play, runbook } from '@skerry/runbook';
import { file, sysctl } from '@skerry/steps';

export default runbook({
  name: 'reviewed',
  description: 'What a plan that was reviewed is about',
  plays: [
    play('Reviewed', { hosts: 'all' }, ({ host }) => [
      file('/etc/reviewed.conf', { content: `name = ${host.name}\nreviewed = yes\n` }),
      file('/etc/reviewed.other', { content: 'as it was asked\n' }),
      sysctl('reviewed', { 'kernel.printk_ratelimit': '7' }),
    ]),
  ],
});
