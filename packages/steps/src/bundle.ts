/**
 * One thing that a cluster is made of, as it lies in a bundle: `path` is relative to the folder of
 * the bundle, `sha256` the digest of its bytes in lower-case hex, `size` in bytes, `origin` where it
 * came from (a URL, an image reference, a module with its version).
 */
interface ArtifactBase {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly origin: string;
  /** `amd64` or `arm64`; left out where it is for all. */
  readonly architecture?: string;
}

export type Artifact =
  /** A file that is put at the absolute path `install` on nodes: a program, a unit. */
  | (ArtifactBase & { readonly kind: 'file'; readonly install: string; readonly mode: string })
  /** A package of a distribution, `.deb`. */
  | (ArtifactBase & {
      readonly kind: 'package';
      /** ID and VERSION_ID of os-release(5): `debian-13`, `ubuntu-24.04`. */
      readonly distribution: string;
      /** The packages that were asked for and need this one, themselves among them. */
      readonly neededBy: readonly string[];
    })
  /**
   * An OCI archive (a tar of oci-layout, index.json, blobs). `reference` is the full name by which
   * containerd is to know it (`registry.k8s.io/pause:3.10.1`), `digest` that of its manifest
   * (`sha256:…`).
   */
  | (ArtifactBase & { readonly kind: 'image'; readonly reference: string; readonly digest: string })
  /** A Helm chart, `.tgz`. */
  | (ArtifactBase & { readonly kind: 'chart' })
  /** Kubernetes objects as YAML. */
  | (ArtifactBase & { readonly kind: 'manifest' })
  /** A program for the operator's own machine: `helm`. */
  | (ArtifactBase & { readonly kind: 'tool' });

/** `bundle.json` in the folder of a bundle: all that a cluster is made of, each with its digest. */
export interface Bundle {
  readonly schema: 1;
  readonly artifacts: readonly Artifact[];
}
