"""Whether Postgres has a connection for everybody when all are scaled to their most, in the middle of a rollout."""

import re
from collections.abc import Iterator

from cross_check.cluster import Cluster, Workload
from cross_check.programs import Process, processes
from servicekit.settings import DatabaseSettings

# Pools of the size in the settings, and single connections, of each process.
OPENED = {
    ("auth", "serve"): (1, 0),
    ("catalog", "serve"): (2, 4),
    ("rewards", "serve"): (1, 1),
    ("isin-worker", "serve"): (2, 0),
}
OTHERS = (1, 2)
RESERVED = 10  # by Postgres itself, its operator, and who looks what is wrong


def faults(cluster: Cluster) -> Iterator[str]:
    """At most one, as a line."""
    limit = _max_connections(cluster)
    needed = sum(_connections(cluster, process) for process in processes(cluster))
    if limit is not None and needed > limit - RESERVED:
        yield f"Postgres takes {limit} connections, {RESERVED} of them reserved, and all together may want {needed}"


def _connections(cluster: Cluster, process: Process) -> int:
    if not isinstance(process.settings, DatabaseSettings):
        return 0
    pools, single = OPENED.get((process.image, process.command), OTHERS)
    return _most_pods(cluster, process.workload) * (pools * process.settings.database_pool_size + single)


def _most_pods(cluster: Cluster, workload: Workload) -> int:
    if workload.kind != "Deployment":
        return 1
    most = [
        scaler["spec"]["maxReplicas"]
        for scaler in cluster.all("HorizontalPodAutoscaler")
        if scaler["spec"]["scaleTargetRef"]["name"] == workload.name
    ]
    spec = workload.whole["spec"]
    return int(most[0] if most else spec.get("replicas", 1)) + int(spec["strategy"]["rollingUpdate"]["maxSurge"])


def _max_connections(cluster: Cluster) -> int | None:
    """None where somebody else runs it."""
    for one in cluster.all("Cluster"):
        return int(one["spec"]["postgresql"]["parameters"]["max_connections"])
    for workload in cluster.workloads:
        for container in workload.containers:
            if found := re.search(r"max_connections=(\d+)", " ".join(container.get("args", []))):
                return int(found[1])
    return None
