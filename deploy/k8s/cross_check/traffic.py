"""Whether the network policies let through what the settings ask for, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlsplit

from pydantic import SecretStr

from cross_check.cluster import Cluster, Labels, Object, Workload, matches
from cross_check.programs import Process, processes

PORTS = {
    "http": 80,
    "https": 443,
    "s3": 443,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "smtps": 465,
}
# The addresses of the platform itself, as people type them: nobody connects to those.
PUBLIC = {("auth", "web_url"), ("web", "public_url")}
# What one command of a program uses, where it is not everything that its settings name.
STORES = {"database_url", "redis_url", "blob_url", "traces_url", "smtp_url"}
USES = {"worker": STORES, "migrate": {"database_url"}, "reconcile": {"database_url", "traces_url"}}
PUBLISHERS = ("isin-worker", ("worker", "reconcile"))  # fetch lists from the internet
NAMES = (("kube-system", {"k8s-app": "kube-dns"}), 53)


@dataclass(frozen=True)
class Connection:
    """Somebody wants to reach ``host:port``."""

    source: Workload
    host: str
    port: int


def faults(cluster: Cluster) -> Iterator[str]:
    """Each as a line."""
    network = Network(cluster)
    yield from network.dead_policies()
    needed: set[tuple[Workload, Workload, int]] = set()
    ours = list(processes(cluster))
    for process in ours:
        for connection in _connections(process):
            pairs = _inside(cluster, connection)
            needed |= pairs
            yield from network.refusals(connection, pairs)
    own = {process.workload for process in ours}
    for source, target in product(cluster.workloads, repeat=2):
        if source is target or not {source, target} & own:
            continue
        for port in sorted({*target.ports.values()}):
            if (source, target, port) in needed:
                continue
            if network.sends(source, target, port):
                yield f"{source}: it may connect to {target} at {port}, and has no reason to"
            if network.receives(source, target, port):
                yield f"{target}: it may be connected from {source} at {port}, and there is no reason to"


def _connections(process: Process) -> Iterator[Connection]:
    if process.settings is None:
        return
    used = USES.get(process.command)
    for name, value in process.settings:
        public = name == "token_issuer" or (process.image, name) in PUBLIC
        if public or (used is not None and name not in used):
            continue
        for text in value if isinstance(value, tuple) else (value,):
            url = urlsplit(text.get_secret_value() if isinstance(text, SecretStr) else str(text))
            if url.scheme in PORTS and url.hostname:
                outside = url.scheme == "s3"  # its host is a bucket's name
                yield Connection(process.workload, "" if outside else url.hostname, url.port or PORTS[url.scheme])
    if process.image == PUBLISHERS[0] and process.command in PUBLISHERS[1]:
        yield Connection(process.workload, "", PORTS["https"])


def _inside(cluster: Cluster, connection: Connection) -> set[tuple[Workload, Workload, int]]:
    """Whom of the cluster it reaches, at which port of the pod; nobody: it leads out."""
    service = cluster.get("Service", connection.host)
    if service is None:
        return set()
    targets = [
        port.get("targetPort", port["port"]) for port in service["spec"]["ports"] if port["port"] == connection.port
    ]
    return {
        (connection.source, one, number)
        for one, target in product(cluster.behind(service), targets)
        if (number := one.port(target)) is not None
    }


class Network:
    """The policies of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._policies = [(one["metadata"]["name"], one["spec"]) for one in cluster.all("NetworkPolicy")]
        spaces = cluster.all("Namespace")
        self._space = spaces[0]["metadata"]["name"] if spaces else ""

    def dead_policies(self) -> Iterator[str]:
        """Those that select nobody; and whether what nobody speaks of is refused."""
        for name, spec in self._policies:
            if not self._cluster.selected(spec["podSelector"]):
                yield f"NetworkPolicy/{name}: it selects nothing"
        for kind in ("Ingress", "Egress"):
            if not any(spec["podSelector"] == {} and kind in spec["policyTypes"] for _, spec in self._policies):
                yield f"NetworkPolicy: {kind} is not refused by default"

    def refusals(self, connection: Connection, pairs: set[tuple[Workload, Workload, int]]) -> Iterator[str]:
        """What is in the way of a connection."""
        source, host, port = connection.source, connection.host or "the internet", connection.port
        if self._cluster.get("Service", connection.host) is not None:
            if not pairs:
                yield f"{source}: Service {host} has no port {port} that leads anywhere"
            for _, target, number in pairs:
                if not self.lets(source, target, number):
                    yield f"{source}: no policy lets it connect to {target} at {number}"
        elif connection.host and "." not in connection.host:
            yield f"{source}: there is no Service {host}"
        elif not self._leads_out(source, port):
            yield f"{source}: no policy lets it connect to {host} at {port}"
        if not self._looks_up(source):
            yield f"{source}: no policy lets it look names up"

    def lets(self, source: Workload, target: Workload, port: int) -> bool:
        """Whether both sides agree."""
        return self.sends(source, target, port) and self.receives(source, target, port)

    def sends(self, source: Workload, target: Workload, port: int) -> bool:
        """Whether the policies of the source agree."""
        return any(
            self._named(rule, target, port) and self._is_peer(rule.get("to"), self._space, target.labels)
            for rule in self._rules(source, "Egress")
        )

    def receives(self, source: Workload, target: Workload, port: int) -> bool:
        """Whether the policies of the target agree."""
        return any(
            self._named(rule, target, port) and self._is_peer(rule.get("from"), self._space, source.labels)
            for rule in self._rules(target, "Ingress")
        )

    def _looks_up(self, source: Workload) -> bool:
        (space, labels), port = NAMES
        return any(
            self._named(rule, None, port) and self._is_peer(rule.get("to"), space, labels)
            for rule in self._rules(source, "Egress")
        )

    def _leads_out(self, source: Workload, port: int) -> bool:
        return any(
            self._named(rule, None, port) and (not rule.get("to") or any("ipBlock" in peer for peer in rule["to"]))
            for rule in self._rules(source, "Egress")
        )

    def _rules(self, workload: Workload, kind: str) -> Iterator[Object]:
        for _, spec in self._policies:
            if kind in spec["policyTypes"] and matches(spec["podSelector"], workload.labels):
                yield from spec.get(kind.lower(), [])

    def _named(self, rule: Object, target: Workload | None, port: int) -> bool:
        named = [target.port(one["port"]) if target else one["port"] for one in rule.get("ports", [])]
        return not rule.get("ports") or port in named

    def _is_peer(self, peers: list[Object] | None, space: str, labels: Labels) -> bool:
        return not peers or any(self._means(peer, space, labels) for peer in peers if "ipBlock" not in peer)

    def _means(self, peer: Object, space: str, labels: Labels) -> bool:
        spaces = peer.get("namespaceSelector")
        near = space == self._space if spaces is None else matches(spaces, {"kubernetes.io/metadata.name": space})
        return near and matches(peer.get("podSelector", {}), labels)
