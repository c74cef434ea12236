/**
 * Whether a kernel release as `uname -r` prints it (`6.12.48+deb13-cloud-amd64`) is at least
 * `major.minor`. A release that does not begin with two numbers counts as too old.
 */
export function kernelAtLeast(release: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) return false;
  const [have, haveMinor] = [Number(match[1]), Number(match[2])];
  return have > major || (have === major && haveMinor >= minor);
}
