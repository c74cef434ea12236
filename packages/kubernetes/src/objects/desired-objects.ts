import { z } from 'zod';
import { isNamespacedKind } from './scope.ts';

const object = z
  .looseObject({
    apiVersion: z.string().regex(/^([a-z0-9.-]+\/)?v[a-z0-9]+$/),
    kind: z.string().regex(/^[A-Z][A-Za-z0-9]*$/),
    metadata: z.looseObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/),
      namespace: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]*$/)
        .optional(),
    }),
  })
  .superRefine(({ apiVersion, kind, metadata }, context) => {
    if (!isNamespacedKind(apiVersion, kind) || metadata.namespace !== undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['metadata', 'namespace'],
      message: `the ${kind} ${metadata.name} lies in a namespace and names none`,
    });
  });

/**
 * What is wanted of one object.
 * - `owned`: it is as written here, and goes when it is no longer wanted.
 * - `partial`: somebody else makes it (kubeadm, the kubelet); only the fields written here are set,
 *   and only while it exists.
 * - `kept`: it is made where it is missing and never goes (a namespace with other people's pods).
 * - `absent`: it is not there.
 */
const desiredObject = z.strictObject({
  object,
  ownership: z.enum(['owned', 'partial', 'kept', 'absent']).default('owned'),
  /** Who made it: `inventory/site.yaml:31:9`, `manifest metallb 0.16.2`. */
  origin: z.string(),
  /** For `partial`: what to do where it is not there; left out: then nothing of it is wanted. */
  missing: z.string().optional(),
  /** For `partial`: why it is there by the time when this is applied, though it may not be yet. */
  expected: z.string().optional(),
});
export type DesiredObject = z.infer<typeof desiredObject>;

const wait = z
  .strictObject({
    /** As kubectl takes it: `deployment/controller`, `crd/ciliumnodes.cilium.io`. */
    resource: z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9.:_-]+$/),
    namespace: z.string().optional(),
    /** `Available`: a condition that is to be true. */
    condition: z
      .string()
      .regex(/^[A-Za-z]+$/)
      .optional(),
    /** Until the rollout of a Deployment, DaemonSet or StatefulSet is done. */
    rollout: z.literal(true).optional(),
    /** `{.status.phase}=Active` */
    jsonpath: z
      .string()
      .regex(/^\{.*\}(=.*)?$/)
      .optional(),
    seconds: z.int().min(1).max(7200),
  })
  .refine(
    ({ condition, rollout, jsonpath }) =>
      [condition, rollout, jsonpath].filter((one) => one !== undefined).length === 1,
    'a wait has one of condition, rollout and jsonpath',
  );
export type Wait = z.infer<typeof wait>;

const group = z.strictObject({
  name: z.string().regex(/^[^\n]+$/),
  objects: z.array(desiredObject),
  waits: z.array(wait).default([]),
  /** No group after this one needs what it waits for: that is waited for with what comes next. */
  waitsLate: z.literal(true).optional(),
});
export type ObjectGroup = z.infer<typeof group>;

export const schema = z
  .strictObject({
    /** Of the step: what one step applied is none of another's business. */
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/),
    groups: z.array(group),
    /**
     * The steps before this one begin the cluster: there is nothing in it but what kubeadm makes, and
     * nobody has to ask for it.
     */
    begins: z.boolean().default(false),
    /** A kubeconfig of an administrator, on the host; without the file there is no cluster yet. */
    kubeconfig: z.string().regex(/^\//).default('/etc/kubernetes/admin.conf'),
  })
  .superRefine(({ groups }, context) => {
    const seen = new Map<string, string>();
    for (const { object: one, origin } of groups.flatMap(({ objects }) => objects)) {
      const id = idOf(one);
      const other = seen.get(id);
      if (other === undefined) seen.set(id, origin);
      else {
        const message = `${id} is wanted twice: by ${other} and by ${origin}`;
        context.addIssue({ code: 'custom', path: ['groups'], message });
      }
    }
  });
export type Desired = z.infer<typeof schema>;
/** As a caller writes it. */
export type ObjectGroups = z.input<typeof schema>['groups'];

/** What says which object of an API it is. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

/** `networking.k8s.io` of `networking.k8s.io/v1`; '' for the core. */
function groupOf({ apiVersion }: Pick<Identity, 'apiVersion'>): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/**
 * An object in one word pair: `NetworkPolicy.networking.k8s.io shop/default-deny`, `Namespace shop`.
 * Versions of an API show the same object, so that they do not stand in it.
 */
export function idOf(identity: Identity): string {
  const { kind, metadata } = identity;
  const apiGroup = groupOf(identity);
  const type = apiGroup === '' ? kind : `${kind}.${apiGroup}`;
  const place = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
  return `${type} ${place}${metadata.name}`;
}

/** `Deployment.v1.apps`, `ConfigMap.v1.`: a type as kubectl takes it, with its version. */
export function typeOf(identity: Identity): string {
  const version = identity.apiVersion.slice(identity.apiVersion.indexOf('/') + 1);
  return `${identity.kind}.${version}.${groupOf(identity)}`;
}

/** `IPAddressPool.metallb.io`: a kind, whatever its version. */
export function kindOf(identity: Pick<Identity, 'apiVersion' | 'kind'>): string {
  return `${identity.kind}.${groupOf(identity)}`;
}

/** The kind that a CustomResourceDefinition defines; undefined of all else. */
export function definedKind(object: DesiredObject['object']): string | undefined {
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  const { spec } = object as { spec?: { group?: string; names?: { kind?: string } } };
  return `${spec?.names?.kind ?? ''}.${spec?.group ?? ''}`;
}
