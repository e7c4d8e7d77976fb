"""Names that lead nowhere: ports, Services, keys, volumes, accounts, targets of scaling, images."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from cross_check.cluster import Cluster, Object, Workload, matches, probes

SCALED = ("Deployment", "StatefulSet")


def faults(cluster: Cluster) -> Iterator[str]:
    """Each as a line."""
    for workload in cluster.workloads:
        yield from (
            f"{workload}: {fault}"
            for fault in chain(
                _labels(workload), _ports(workload), _images(workload), _account(cluster, workload),
                _volumes(cluster, workload), _variables(cluster, workload),
            )
        )  # fmt: skip
    yield from _services(cluster)
    yield from _ingresses(cluster)
    yield from _monitors(cluster)
    yield from _scalers(cluster)
    yield from _budgets(cluster)
    yield from _unread(cluster)


def _labels(workload: Workload) -> Iterator[str]:
    if workload.kind in SCALED and not matches(workload.whole["spec"]["selector"], workload.labels):
        yield "its selector does not mean its own pods"


def _ports(workload: Workload) -> Iterator[str]:
    for container in workload.containers:
        own = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for name, probe in probes(container):
            if "httpGet" in probe and probe["httpGet"]["port"] not in (*own, *own.values()):
                yield f"{name} asks port {probe['httpGet']['port']}, which container {container['name']} does not have"


def _images(workload: Workload) -> Iterator[str]:
    for container in workload.containers:
        path, _, tag = container["image"].rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            yield f"image {container['image']} has no version"
        migrates = workload.labels.get("app.kubernetes.io/component") == "migration"
        if migrates and not workload.name.endswith(suffix := f"-{tag.replace('.', '-')}"):
            yield f"it runs {path}:{tag}, so its name has to end with {suffix}"


def _account(cluster: Cluster, workload: Workload) -> Iterator[str]:
    name = workload.pod.get("serviceAccountName")
    if workload.kind != "Pod" and (name is None or cluster.get("ServiceAccount", name) is None):
        yield f"there is no ServiceAccount {name}"


def _volumes(cluster: Cluster, workload: Workload) -> Iterator[str]:
    claimed = [claim["metadata"]["name"] for claim in workload.whole["spec"].get("volumeClaimTemplates", [])]
    volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
    mounted = {mount["name"] for one in workload.containers for mount in one.get("volumeMounts", [])}
    for name in sorted(mounted - {*volumes, *claimed}):
        yield f"it mounts {name}, and there is no such volume"
    for name in sorted({*volumes, *claimed} - mounted):
        yield f"nobody mounts volume {name}"
    for volume in volumes.values():
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and cluster.get("PersistentVolumeClaim", claim) is None:
            yield f"there is no PersistentVolumeClaim {claim}"
        for kind, field, key in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            if source := volume.get(field):
                wanted = [item["key"] for item in source.get("items", [])]
                yield from _missing(cluster, kind, source[key], wanted)


def _variables(cluster: Cluster, workload: Workload) -> Iterator[str]:
    for container in workload.containers:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if field in source:
                    yield from _missing(cluster, kind, source[field]["name"], [source[field]["key"]])
        for source in container.get("envFrom", []):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if field in source:
                    yield from _missing(cluster, kind, source[field]["name"], [])


def _missing(cluster: Cluster, kind: str, name: str, wanted: list[str]) -> Iterator[str]:
    keys = cluster.keys(kind, name)
    if keys is None:
        yield f"there is no {kind} {name}"
        return
    yield from (f"{kind} {name} has no key {key}" for key in wanted if key not in keys)


def _services(cluster: Cluster) -> Iterator[str]:
    for service in cluster.all("Service"):
        name, behind = service["metadata"]["name"], cluster.behind(service)
        if not service["spec"].get("selector") or not behind:
            yield f"Service/{name}: it selects nothing"
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            yield from (
                f"Service/{name}: {one} has no port {target}" for one in behind if one.port(target) is None
            )  # fmt: skip


def _ingresses(cluster: Cluster) -> Iterator[str]:
    for ingress in cluster.all("Ingress"):
        name, spec = f"Ingress/{ingress['metadata']['name']}", ingress["spec"]
        certified = [host for entry in spec.get("tls", []) for host in entry["hosts"]]
        for rule in spec["rules"]:
            if rule.get("host") not in certified:
                yield f"{name}: no certificate for {rule.get('host')}"
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = cluster.get("Service", backend["name"])
                ports = service["spec"]["ports"] if service else []
                if backend["port"].get("name", backend["port"].get("number")) not in _names(ports):
                    yield f"{name}: there is no Service {backend['name']} with the port {backend['port']}"


def _monitors(cluster: Cluster) -> Iterator[str]:
    for monitor in cluster.all("ServiceMonitor"):
        name, spec = f"ServiceMonitor/{monitor['metadata']['name']}", monitor["spec"]
        services = [
            one for one in cluster.all("Service") if matches(spec["selector"], one["metadata"].get("labels", {}))
        ]
        if not services:
            yield f"{name}: it selects nothing"
        for endpoint in spec["endpoints"]:
            for service in services:
                if endpoint["port"] not in _names(service["spec"]["ports"]):
                    yield f"{name}: Service {service['metadata']['name']} has no port {endpoint['port']}"


def _names(ports: list[Object]) -> list[str | int | None]:
    return [key for port in ports for key in (port.get("name"), port["port"])]


def _scalers(cluster: Cluster) -> Iterator[str]:
    for scaler in cluster.all("HorizontalPodAutoscaler"):
        name, target = f"HorizontalPodAutoscaler/{scaler['metadata']['name']}", scaler["spec"]["scaleTargetRef"]
        found = cluster.get(target["kind"], target["name"])
        if found is None:
            yield f"{name}: there is no {target['kind']} {target['name']}"
            continue
        if "replicas" in found["spec"]:
            yield f"{name}: {target['name']} states its replicas, so each apply takes back what was scaled"
        for container in found["spec"]["template"]["spec"]["containers"]:
            wanted = [metric["resource"]["name"] for metric in scaler["spec"]["metrics"] if "resource" in metric]
            requested = container.get("resources", {}).get("requests", {})
            yield from (
                f"{name}: container {container['name']} requests no {resource}, so there is no share of it"
                for resource in wanted
                if resource not in requested
            )


def _budgets(cluster: Cluster) -> Iterator[str]:
    for budget in cluster.all("PodDisruptionBudget"):
        name, spec = f"PodDisruptionBudget/{budget['metadata']['name']}", budget["spec"]
        guarded = cluster.selected(spec["selector"])
        if not guarded:
            yield f"{name}: it selects nothing"
        for workload in guarded:
            least = _least_replicas(cluster, workload)
            if spec.get("maxUnavailable") in (0, "0%") or spec.get("minAvailable", 0) in range(least, 1_000_000):
                yield f"{name}: of {least} pods of {workload} none may be evicted, so no node can be emptied"


def _least_replicas(cluster: Cluster, workload: Workload) -> int:
    for scaler in cluster.all("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == (workload.kind, workload.name):
            return int(scaler["spec"].get("minReplicas", 1))
    return int(workload.whole["spec"].get("replicas", 1))


def _unread(cluster: Cluster) -> Iterator[str]:
    """What is made for nobody is misspelt somewhere."""
    read: set[tuple[str, str]] = set()
    for workload in cluster.workloads:
        for volume in workload.pod.get("volumes", []):
            read.add(("ConfigMap", volume.get("configMap", {}).get("name", "")))
            read.add(("Secret", volume.get("secret", {}).get("secretName", "")))
        for container in workload.containers:
            for source in (
                *container.get("envFrom", []),
                *(one.get("valueFrom", {}) for one in container.get("env", [])),
            ):
                for field, reference in source.items():
                    read.add(("Secret" if field.startswith("secret") else "ConfigMap", reference.get("name", "")))
    for operated in (*cluster.all("Cluster"), *cluster.all("ObjectStore")):
        read |= {("Secret", name) for name in _names_in(operated["spec"])}
    for kind in ("ConfigMap", "Secret"):
        for one in cluster.all(kind):
            if (kind, one["metadata"]["name"]) not in read:
                yield f"{kind}/{one['metadata']['name']}: nobody reads it"


def _names_in(value: Any) -> Iterator[str]:
    """Of whatever an operator's object refers to."""
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key == "name" and isinstance(one, str))
        yield from chain.from_iterable(map(_names_in, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_names_in, value))
