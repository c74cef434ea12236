import { execFile } from 'node:child_process';

/**
 * Sends a signal to a process of this machine and to all that descend from it. (zx does the same by
 * way of a shell, which makes Node print a deprecation warning, DEP0190.)
 */
export function signalTree(root: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  execFile('ps', ['-eo', 'pid=,ppid='], (error, stdout) => {
    const pids = [root];
    if (error === null) {
      const pairs = stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number));
      // grows while it is walked: children of children are found behind their parents
      for (const parent of pids) {
        for (const [pid, ppid] of pairs) {
          if (ppid === parent && pid !== undefined) pids.push(pid);
        }
      }
    }
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // it has ended already, or is root's behind sudo: that one ends when it reads end of input
      }
    }
  });
}
