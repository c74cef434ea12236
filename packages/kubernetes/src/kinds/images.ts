import {
  artifactFields,
  artifactStore,
  importLine,
  sh,
  type Artifact,
  type Change,
  type Step,
  type StepKind,
  type StepOptions,
} from '@skerry/steps';
import { z } from 'zod';

const schema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/),
  images: z.array(
    z.strictObject({
      ...artifactFields,
      /** The full name, with its registry: that is how the kubelet asks for it. */
      reference: z.string().regex(/^[^\s/]+\/[^\s]+$/, 'a full name: REGISTRY/PATH:TAG'),
      digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    }),
  ),
});
type Desired = z.infer<typeof schema>;
type Image = Desired['images'][number];

/** By reference: the digest. */
type Observed = Readonly<Record<string, string>>;

/** Seconds for one image: unpacking Cilium's takes an emulated machine some minutes. */
const secondsPerImage = 300;

const probe = `ctr -n k8s.io images ls`;

const converge = `
store=$1; shift
echo '${importLine}'
digest_of() {
  ctr -n k8s.io images ls "name==$1" | while read -r name _ digest _; do
    if [ "$name" = "$1" ]; then printf '%s' "$digest"; fi
  done
}
status=0
while [ $# -gt 0 ]; do
  reference=$1 digest=$2 archive=$store/$3
  shift 3
  if [ ! -f "$archive" ]; then
    echo "$reference: its archive does not lie in $store" >&2
    exit 1
  fi
  ctr -n k8s.io images import "$archive" || { echo "$reference: ctr cannot import its archive" >&2; exit 1; }
  now=$(digest_of "$reference")
  if [ "$now" != "$digest" ]; then
    echo "$reference: its archive holds \${now:-no image of that name}, not $digest" >&2
    status=1
  fi
  rm -f "$archive"
done
exit $status
`;

/** Images of the bundle in containerd, by name and digest, all of a node in one step. */
export const imagesKind: StepKind<Desired, Observed> = {
  kind: 'images',
  schema,
  summary: ({ images: { length } }) => `${length} ${length === 1 ? 'image' : 'images'}`,
  probe: () => sh(probe),
  parse: ({ stdout }, { images: wanted }) => {
    const [head = '', ...lines] = stdout.split('\n');
    if (!/^REF\s+TYPE\s+DIGEST\s/.test(head)) throw new Error(`ctr printed no list: ${head}`);
    const references = new Set(wanted.map(({ reference }) => reference));
    return Object.fromEntries(
      lines
        .map((line) => line.split(/\s+/))
        .filter(([reference = '']) => references.has(reference))
        .map(([reference = '', , digest = '']) => [reference, digest]),
    );
  },
  diff: ({ images: wanted }, observed) =>
    wanted.flatMap((image) => changesOf(image, observed[image.reference])),
  converge: ({ images: wanted }, changes) => {
    const due = wanted.filter(({ reference }) =>
      changes.some(({ subject }) => subject === reference),
    );
    return {
      ...sh(
        converge,
        artifactStore,
        ...due.flatMap(({ reference, digest, sha256 }) => [reference, digest, sha256]),
      ),
      artifacts: due.map(({ path, sha256, size }) => ({ path, sha256, size })),
    };
  },
  deadline: ({ images: { length } }) => 300 + secondsPerImage * length,
};

function changesOf({ reference: subject, digest }: Image, now: string | undefined): Change[] {
  const after = short(digest);
  if (now === undefined) return [{ subject, action: 'create', after }];
  return now === digest ? [] : [{ subject, action: 'update', before: short(now), after }];
}

const short = (digest: string): string => `${digest.slice(0, 19)}…`;

/** `images('kubernetes', bundle.artifacts.filter(…))` */
export function images(
  name: string,
  artifacts: readonly Extract<Artifact, { kind: 'image' }>[],
  options: StepOptions = {},
): Step {
  return {
    kind: imagesKind,
    name,
    desired: {
      name,
      images: artifacts.map(({ reference, digest, path, sha256, size }) => ({
        reference,
        digest,
        path,
        sha256,
        size,
      })),
    },
    options,
  };
}
