/** A version by its three numbers. */
export interface VersionNumber {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** `1.36.3`, `v1.36.3` or `1.36`; undefined where it is no version. Pre-releases count as the release. */
export function versionNumber(text: string): VersionNumber | undefined {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** Below, at or above zero, as the first is older than, the same as or newer than the second. */
export function compareVersions(a: VersionNumber, b: VersionNumber): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

/** `1.36`, the series that a version belongs to. */
export function seriesOf({ major, minor }: VersionNumber): string {
  return `${major}.${minor}`;
}

/** Whether a version text is at least another; false where one of the two is no version. */
export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [versionNumber(version), versionNumber(least)];
  return a !== undefined && b !== undefined && compareVersions(a, b) >= 0;
}
