"""The level `restricted` of Kubernetes' Pod Security Standards (1.32), and the little more that we ask of every pod."""

from collections.abc import Iterator

from cross_check.cluster import Cluster, Object, Workload

VOLUMES = {
    "name",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
LEVEL = "pod-security.kubernetes.io/enforce"


def faults(cluster: Cluster) -> Iterator[str]:
    """Each as a line."""
    for namespace in cluster.all("Namespace"):
        if namespace["metadata"].get("labels", {}).get(LEVEL) != "restricted":
            yield f"Namespace/{namespace['metadata']['name']}: {LEVEL} is not restricted"
    for workload in cluster.workloads:
        if workload.kind != "Pod":  # those are an operator's
            yield from (f"{workload}: {fault}" for fault in _pod(workload))


def _pod(workload: Workload) -> Iterator[str]:
    pod = workload.pod
    context = pod.get("securityContext", {})
    yield from (f"{field} is not allowed" for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
    if pod.get("automountServiceAccountToken") is not False:
        yield "its pods get a token for the API"
    if pod.get("enableServiceLinks") is not False:
        yield "its pods get a variable for each Service, which looks like a setting"
    for volume in pod.get("volumes", []):
        yield from (f"volume {volume['name']} is a {kind}" for kind in sorted(volume.keys() - VOLUMES))
    for container in workload.containers:
        yield from (f"container {container['name']}: {fault}" for fault in _container(container, context))


def _container(container: Object, pod: Object) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") in (0, None):
        yield "it may be root"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield "it may get more privileges"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "it keeps capabilities"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "its root can be written"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "it takes a port of the node"
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        yield from (
            f"{kind} say nothing of {name}" for name in ("cpu", "memory") if name not in resources.get(kind, {})
        )
