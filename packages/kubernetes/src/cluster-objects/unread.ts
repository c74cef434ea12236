import type { ChartOptions } from '@skerry/steps';
import type { Identity } from '../objects/desired-objects.ts';

const apiVersion = 'unread.skerry.dev/v1';

/**
 * What stands for a manifest of a bundle where no bundle is read: an object that has its name. Settings
 * of the inventory that would go into it are added to it, so that they can be compared.
 */
export function unreadManifest(name: string): string {
  return textOf({ apiVersion, kind: 'Manifest', metadata: { name } });
}

/** The same for a chart that is not rendered: with what it would be rendered from. */
export function unreadChart(name: string, options: ChartOptions): string {
  return textOf({ apiVersion, kind: 'Chart', metadata: { name }, ...options });
}

export function isUnread(object: Identity): boolean {
  return object.apiVersion === apiVersion;
}

/** JSON is YAML, too. */
function textOf(object: Identity): string {
  return `${JSON.stringify(object, undefined, 2)}\n`;
}
