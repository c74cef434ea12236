import type { GroupDraft } from './groups.ts';
import type { HostDraft } from './hosts.ts';
import type { Origin } from './model.ts';
import type { Layer } from './settings.ts';

/** A host with its levels merged, before anything is known to be right. */
export interface Candidate {
  readonly draft: HostDraft;
  readonly groups: readonly GroupDraft[];
  readonly layer: Layer;
  /** Names the layer where it is shared with other hosts. */
  readonly key: string | undefined;
  readonly address: { readonly value: string; readonly origin: Origin };
}
