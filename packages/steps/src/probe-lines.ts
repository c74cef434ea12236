/**
 * What a probe prints where it reads several small things: `KEY VALUE` lines, and after a line `--`
 * a text that is taken as it is (a file that exists).
 */
export interface ProbeLines {
  /** The value of the first line with this key; undefined where there is none. */
  one(key: string): string | undefined;
  /** The values of all lines with this key. */
  all(key: string): string[];
  /** The text after `--`; undefined where the probe printed none. */
  readonly text: string | undefined;
}

export function probeLines(stdout: string): ProbeLines {
  const split = stdout.match(/^--\n/m)?.index;
  const head = split === undefined ? stdout : stdout.slice(0, split);
  const pairs = head
    .split('\n')
    .filter((line) => line !== '')
    .map((line): [string, string] => {
      const space = line.indexOf(' ');
      return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1).trim()];
    });
  return {
    one: (key) => pairs.find(([name]) => name === key)?.[1],
    all: (key) => pairs.filter(([name]) => name === key).map(([, value]) => value),
    text: split === undefined ? undefined : stdout.slice(split + 3),
  };
}

/** The value of a line that every run of the probe prints. */
export function required(lines: ProbeLines, key: string): string {
  const value = lines.one(key);
  if (value === undefined) throw new Error(`the probe said nothing of ${key}`);
  return value;
}
