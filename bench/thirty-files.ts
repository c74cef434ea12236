import { play, runbook } from '@skerry/runbook';
import { directory, file } from '@skerry/steps';

const steps = Number(process.env['SKERRY_BENCH_STEPS'] ?? 30);

/** Steps of the cheapest kinds: what is timed is the engine and the connection, not the host. */
export default runbook({
  name: 'thirty-files',
  description: 'As many files as the bench asks for',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => [
      directory('/srv/bench'),
      ...Array.from({ length: steps - 1 }, (_, index) =>
        file(`/srv/bench/${index}`, { content: `file ${index} of ${host.name}\n` }),
      ),
    ]),
  ],
});
