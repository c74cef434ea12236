import { runbook } from '@skerry/runbook';
import kubernetes from './kubernetes.ts';
import prepareNodes from './prepare-nodes.ts';

/** What `bootstrap apply` runs when no other runbook is named. */
export default runbook({
  name: 'cluster',
  description: 'From bare machines to a cluster',
  plays: [...prepareNodes.plays, ...kubernetes.plays],
});
