"""The objects of one overlay as a cluster would see them: who runs, under which labels, and what is behind a name."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Labels = Mapping[str, str]
POD_TEMPLATES = ("Deployment", "StatefulSet", "Job")


@dataclass(frozen=True)
class Workload:
    """What makes pods."""

    kind: str
    name: str
    labels: Labels  # of its pods
    pod: Object  # their spec
    whole: Object

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    def __hash__(self) -> int:
        return hash((self.kind, self.name))

    @property
    def containers(self) -> list[Object]:
        """All of them, those that only run first too."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        """Numbers by name."""
        return {
            port["name"]: port["containerPort"] for container in self.containers for port in container.get("ports", [])
        }

    def port(self, wanted: str | int) -> int | None:
        """The number of a port that a container has, by its name or number."""
        if isinstance(wanted, int):
            return wanted if wanted in self.ports.values() else None
        return self.ports.get(wanted)


class Cluster:
    """Objects by kind and name."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._objects: dict[str, dict[str, Object]] = {}
        for found in objects:
            self._objects.setdefault(found["kind"], {})[found["metadata"]["name"]] = found
        self.workloads = [_workload(one) for kind in POD_TEMPLATES for one in self.all(kind)]
        self.workloads += [
            _workload(one, one["spec"]["jobTemplate"]["spec"]["template"]) for one in self.all("CronJob")
        ]
        self.workloads += [_workload(one, one) for one in self.all("Pod")]

    def all(self, kind: str) -> list[Object]:
        """Of this kind."""
        return list(self._objects.get(kind, {}).values())

    def get(self, kind: str, name: str) -> Object | None:
        """The one of this name."""
        return self._objects.get(kind, {}).get(name)

    def selected(self, selector: Object) -> list[Workload]:
        """Whose pods a selector means."""
        return [one for one in self.workloads if matches(selector, one.labels)]

    def behind(self, service: Object) -> list[Workload]:
        """Whose pods answer for a Service."""
        return self.selected({"matchLabels": service["spec"].get("selector", {})})

    def keys(self, kind: str, name: str) -> Mapping[str, str] | None:
        """What is in a ConfigMap or a Secret; None when there is none of this name."""
        found = self.get(kind, name)
        if found is None:
            return None
        data: dict[str, str] = found.get("data") or {}
        if kind == "Secret":
            data = {key: b64decode(value).decode() for key, value in data.items()}
        return {**data, **(found.get("stringData") or {})}


def matches(selector: Object, labels: Labels) -> bool:
    """Whether a label selector means these labels. An empty one means all."""
    plain = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return plain and all(_holds(rule, labels) for rule in selector.get("matchExpressions", []))


def _holds(rule: Object, labels: Labels) -> bool:
    value = labels.get(rule["key"])
    outcome: dict[str, bool] = {
        "In": value in rule.get("values", []),
        "NotIn": value not in rule.get("values", []),
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return outcome[rule["operator"]]


def _workload(whole: Object, template: Object | None = None) -> Workload:
    template = template or whole["spec"]["template"]
    return Workload(
        kind=whole["kind"],
        name=whole["metadata"]["name"],
        labels=template.get("metadata", {}).get("labels", {}),
        pod=template["spec"],
        whole=whole,
    )


def probes(container: Object) -> Iterator[tuple[str, Object]]:
    """By name."""
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if name in container:
            yield name, container[name]
