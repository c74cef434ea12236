import { play, runbook } from '@skerry/runbook';
import { command, file } from '@skerry/steps';

export default runbook({
  name: 'failing',
  description: 'Fails where /srv/vms/broken is',
  plays: [
    play('Risk', { hosts: 'all' }, () => [
      file('/srv/vms/before', { content: 'x\n' }),
      command('risky', {
        run: 'if [ -e /srv/vms/broken ]; then echo "this machine is broken" >&2; exit 1; fi; : >/srv/vms/done',
        creates: '/srv/vms/done',
      }),
      file('/srv/vms/after', { content: 'x\n' }),
    ]),
  ],
});
