import { formatPosition } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';

/**
 * Where in the inventory an object comes from: `site.yaml:31:9`, for a path below `kubernetes`. Of a
 * path at which nothing stands (a default), the part around it.
 */
export function originOf({ kubernetesPlaces, path }: Inventory, place: string): string {
  for (let at = place; ; at = at.replace(/(^|\.)[^.[]+$|\[\d+\]$/, '')) {
    const found = kubernetesPlaces.get(at);
    if (found !== undefined) return formatPosition(found);
    if (at === '') return path;
  }
}
