"""Whether a pod lives as long as what it has to finish, and whether its probes leave it the time."""

from collections.abc import Iterator

from cross_check.cluster import Cluster, Workload, probes
from cross_check.programs import Process, processes
from servicekit import jobs
from servicekit.cli import GRACE_SECONDS
from servicekit.health import CHECK_SECONDS

DEFAULT_GRACE = 30


def faults(cluster: Cluster) -> Iterator[str]:
    """Each as a line."""
    for process in processes(cluster):
        yield from (f"{process.workload}: {fault}" for fault in (*_end(process), *_probes(process)))
    for workload in cluster.workloads:
        if workload.kind in ("Deployment", "StatefulSet"):
            yield from (f"{workload}: {fault}" for fault in _is_asked(workload))


def _end(process: Process) -> Iterator[str]:
    pause = process.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    grace = process.workload.pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE)
    if process.command == "serve":
        drain = process.settings.drain_seconds if process.settings else 0
        needed = pause + drain + GRACE_SECONDS
        if not pause or not drain:
            yield "it closes before everybody knows that it goes: it needs a preStop pause and DRAIN_SECONDS"
    else:
        needed = pause + jobs.LAST_WORDS + jobs.CLOSE_SECONDS
    if grace < needed:
        yield f"it is killed after {grace} s, and may need {needed:g} to end"


def _probes(process: Process) -> Iterator[str]:
    for name, probe in probes(process.container):
        asked = probe.get("httpGet", {}).get("path")
        if asked == "/readyz" and probe.get("timeoutSeconds", 1) <= CHECK_SECONDS:
            yield f"{name} waits {probe.get('timeoutSeconds', 1)} s for a check that may take {CHECK_SECONDS:g}"
        if asked == "/readyz" and name != "readinessProbe":
            yield f"{name} asks whether it is ready: a database that is away would have every pod killed"


def _is_asked(workload: Workload) -> Iterator[str]:
    for container in workload.containers:
        if "livenessProbe" not in container or "startupProbe" not in container:
            yield f"container {container['name']} is not asked whether it started and lives"
        if container.get("ports") and "readinessProbe" not in container:
            yield f"container {container['name']} is not asked whether it is ready"
