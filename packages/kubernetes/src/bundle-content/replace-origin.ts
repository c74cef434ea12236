/** Beginnings of URLs and image names, each with what stands for it. */
type Origins = Readonly<Record<string, string>>;

/**
 * Where something is fetched from: the longest beginning that `origins` has, replaced. A beginning
 * ends where a part of the path does: `registry.k8s.io` is none of `registry.k8s.io.example`.
 */
export function replaceOrigin(upstream: string, origins: Origins): string {
  const [longest] = Object.keys(origins)
    .filter((beginning) => beginsWith(upstream, beginning.replace(/\/$/, '')))
    .toSorted((one, other) => other.length - one.length);
  if (longest === undefined) return upstream;
  const instead = (origins[longest] ?? '').replace(/\/$/, '');
  return instead + upstream.slice(longest.replace(/\/$/, '').length);
}

function beginsWith(text: string, beginning: string): boolean {
  return text.startsWith(beginning) && /^(?:$|[/:@])/.test(text.slice(beginning.length));
}
