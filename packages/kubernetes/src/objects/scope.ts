/**
 * The kinds of Kubernetes' own APIs that lie in a namespace, as far as manifests and charts hold
 * them (`kubectl api-resources --namespaced`, 1.36).
 */
const namespaced: ReadonlySet<string> = new Set(
  `ConfigMap Endpoints LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota
  Secret Service ServiceAccount DaemonSet.apps
  Deployment.apps ReplicaSet.apps StatefulSet.apps
  CronJob.batch Job.batch HorizontalPodAutoscaler.autoscaling
  PodDisruptionBudget.policy Lease.coordination.k8s.io
  EndpointSlice.discovery.k8s.io Ingress.networking.k8s.io NetworkPolicy.networking.k8s.io Role.rbac.authorization.k8s.io RoleBinding.rbac.authorization.k8s.io`.split(
    /\s+/,
  ),
);

/** Whether objects of a kind of Kubernetes' own APIs lie in a namespace; false for all others. */
export function isNamespacedKind(apiVersion: string, kind: string): boolean {
  const slash = apiVersion.indexOf('/');
  return namespaced.has(slash < 0 ? kind : `${kind}.${apiVersion.slice(0, slash)}`);
}
