import type { Artifact } from '@skerry/steps';

type Described<Kind> = Kind extends Artifact ? Omit<Kind, 'path' | 'sha256' | 'size'> : never;

/** What a component brings into a bundle: a file in the component's folder, and what it is. */
export interface Product {
  /** Name of the file in the folder of the component. */
  readonly file: string;
  /** Where it is known already. `sha256` in lower-case hex, `size` in bytes. */
  readonly digest?: { readonly sha256: string; readonly size: number };
  readonly artifact: Described<Artifact>;
}
