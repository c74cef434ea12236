import type { DebianRelease } from './script.ts';

/** Where packages come from, and the settings that reaching them needs. */
export interface AptOrigin {
  /** One-line sources for a release. */
  sources(debian: DebianRelease): string[];
  /** Settings such as a proxy, each as `Acquire::http::Proxy "…";`. */
  readonly options: readonly string[];
}

interface Source {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
}

/** Deb822 stanzas, comments removed. */
function deb822(text: string): Source[] {
  return text
    .replaceAll(/^#.*\n?/gm, '')
    .split(/\n\s*\n/)
    .map((stanza) => {
      const fields = new Map<string, string>();
      let last = '';
      for (const line of stanza.split('\n')) {
        const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
        if (field !== null) {
          last = (field[1] as string).toLowerCase();
          fields.set(last, field[2] as string);
        } else if (/^\s+\S/.test(line)) {
          fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`);
        }
      }
      return fields;
    })
    .filter(
      (fields) =>
        fields.get('types')?.split(/\s+/).includes('deb') === true &&
        fields.get('enabled')?.toLowerCase() !== 'no',
    )
    .map((fields) => ({
      uris: (fields.get('uris') ?? '').split(/\s+/).filter(Boolean),
      suites: (fields.get('suites') ?? '').split(/\s+/).filter(Boolean),
    }));
}

function oneLine(text: string): Source[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)].map((match) => ({
    uris: [match[1] as string],
    suites: [match[2] as string],
  }));
}

const releases = /^(?:bullseye|bookworm|trixie|forky|sid|stable|testing)$/;
const official = {
  main: 'http://deb.debian.org/debian',
  security: 'http://deb.debian.org/debian-security',
};

/** What of `apt-config dump` a machine needs to reach the same packages. */
const passedOn =
  /^Acquire::(?:https?::[^"]*(?:Proxy|Ca|Verify)[^"]*|Check-Valid-Until|Check-Date) "/i;

/**
 * The Debian mirrors of this computer, or Debian's own where it has none (Ubuntu).
 *
 * `files` are the texts of `sources.list` and of `*.list` and `*.sources`; `dump` is what
 * `apt-config dump` prints.
 */
export function aptOrigin(
  files: readonly { readonly name: string; readonly text: string }[],
  dump: string,
): AptOrigin {
  const sources = files.flatMap((file) =>
    file.name.endsWith('.sources') ? deb822(file.text) : oneLine(file.text),
  );
  const usable = (uri: string | undefined) =>
    uri !== undefined && /^https?:/.test(uri) ? uri.replace(/\/$/, '') : undefined;
  const main =
    usable(
      sources.find((source) => source.suites.some((suite) => releases.test(suite)))?.uris[0],
    ) ?? official.main;
  const security =
    usable(
      sources.find((source) => source.suites.some((suite) => suite.endsWith('-security')))?.uris[0],
    ) ?? official.security;
  const fromDebian = sources.some((source) => source.suites.some((suite) => releases.test(suite)));
  return {
    sources: (debian) => [
      `deb ${main} ${debian} main`,
      `deb ${main} ${debian}-updates main`,
      `deb ${fromDebian ? security : official.security} ${debian}-security main`,
    ],
    options: dump.split('\n').filter((line) => passedOn.test(line)),
  };
}
