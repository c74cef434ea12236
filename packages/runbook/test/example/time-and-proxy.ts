import { play, runbook } from '@skerry/runbook';
import { command, directory, file, packages, reload, service, timeSync } from '@skerry/steps';

export default runbook({
  name: 'time-and-proxy',
  description: 'Time servers everywhere, and a proxy before the API on the control planes',
  plays: [
    play('Time', { hosts: 'all', tags: ['time'] }, ({ host }) => {
      const tools = packages('time', {
        present: ['chrony'],
        when: host.facts.timeDaemon === '',
      });
      return [tools, timeSync({ servers: ['ntp1.example.org'], needs: tools })];
    }),

    play(
      'Proxy',
      {
        hosts: 'role=control-plane',
        serial: 1,
        when: ({ host }) => host.facts.family === 'debian',
      },
      ({ host, inventory }) => {
        const peers = inventory.hosts.filter(({ roles }) => roles.includes('control-plane'));
        const haproxy = packages('proxy', { present: ['haproxy'] });
        const settings = file('/etc/haproxy/haproxy.cfg', {
          content: [
            'frontend api',
            `  bind ${host.address}:8443`,
            '  default_backend api',
            'backend api',
            ...peers.map(({ name, address }) => `  server ${name} ${address}:6443 check`),
            '',
          ].join('\n'),
          validate: 'haproxy -c -f "$1"',
          needs: haproxy,
          notify: reload('haproxy'),
        });
        const errors = directory('/etc/haproxy/errors', { needs: haproxy });
        const page = command('error page', {
          run: 'printf "%s\\n" "$1" >/etc/haproxy/errors/503.http',
          args: [`${host.name} has no backend`],
          creates: '/etc/haproxy/errors/503.http',
          tags: ['pages'],
          needs: errors,
        });
        const running = service('haproxy', { enabled: true, running: true, needs: haproxy });
        return [haproxy, settings, errors, page, running];
      },
    ),
  ],
});
