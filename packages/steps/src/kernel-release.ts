/**
 * Compares versions as the kernel numbers them: runs of digits as numbers, other runs as text.
 * Negative where `a` is the older one. `6.1.0-28-amd64` > `6.1.0-9-amd64`; `5.10` < `5.10.1`.
 */
export function compareReleases(a: string, b: string): number {
  const left = a.match(/\d+|[^\d.+~_-]+/g) ?? [];
  const right = b.match(/\d+|[^\d.+~_-]+/g) ?? [];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const x = left[at];
    const y = right[at];
    if (x === y) continue;
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    const isNumber = /^\d/.test(x) && /^\d/.test(y);
    if (isNumber && Number(x) === Number(y)) continue;
    return isNumber ? Number(x) - Number(y) : x < y ? -1 : 1;
  }
  return 0;
}

/** `amd64`, `cloud-amd64`, `generic`; '' for RHEL, which has only one. */
function flavour(release: string): string {
  return /^\d[\w.+~]*?(?:-\d[\w.~]*)*(?:[-+]([A-Za-z][\w+-]*))?$/.exec(release)?.[1] ?? '';
}

/**
 * The newest of the installed kernels, where it is newer than the running one and of its flavour;
 * undefined too where the running kernel is not among them (a machine that was booted directly).
 */
export function newerKernel(running: string, installed: readonly string[]): string | undefined {
  if (!installed.includes(running)) return undefined;
  let newest = running;
  for (const release of installed) {
    if (flavour(release) === flavour(running) && compareReleases(release, newest) > 0) {
      newest = release;
    }
  }
  return newest === running ? undefined : newest;
}
