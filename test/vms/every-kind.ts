import { play, runbook } from '@skerry/runbook';
import {
  absent,
  authorizedKeys,
  block,
  command,
  directory,
  file,
  hostname,
  kernelModules,
  packages,
  reboot,
  service,
  symlink,
  sysctl,
  user,
} from '@skerry/steps';

/** A public key that belongs to nobody. */
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8ygl3LkVjLhYF1dQk3Tn6zZzqnQwq9gP5bq3m9mYl2 test';

export default runbook({
  name: 'every-kind',
  description: 'The step kinds that prepare-nodes does not use, and odd values for the others',
  plays: [
    play('Kinds', { hosts: 'lab-2' }, () => {
      const deploy = user('deploy', { uid: 4242, groups: ['adm'], shell: '/bin/sh' });
      const tree = packages('tree', { present: [{ name: 'tree', hold: true }] });
      return [
        directory('/srv/kinds', { mode: '0750' }),
        file('/srv/kinds/odd', {
          content: `quotes ' " \` $(touch /srv/kinds/pwned)\n\ttab, ünïcödé 日本, no newline at the end`,
          mode: '0600',
        }),
        symlink('/srv/kinds/link', '/srv/kinds/odd'),
        absent('/srv/gone', { recursive: true }),
        block('/etc/motd', { name: 'greeting', content: 'Managed.\n', create: true }),
        deploy,
        authorizedKeys('deploy', { keys: [key], exclusive: true, needs: deploy }),
        kernelModules('test', { modules: ['dummy'] }),
        sysctl('test', { 'kernel.panic': 10, 'net.ipv4.conf.lxc*.rp_filter': 0 }),
        tree,
        service('apt-daily.timer', { masked: true }),
        hostname('lab-2b'),
        command('once', {
          run: 'printf "%s\\n" "$@" >/srv/kinds/args',
          args: ["it's", '$HOME'],
          creates: '/srv/kinds/args',
        }),
      ];
    }),
    play('Reboot', { hosts: 'lab-2' }, () => [reboot({ when: 'required' })]),
  ],
});
