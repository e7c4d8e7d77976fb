"""``make pods-test``: the pods of ``deploy/k8s/overlays/dev``, one of each workload, as containers of Docker, for real.

What a kubelet would give them is read from the built manifests: user, read-only root, capabilities, variables, secrets
and settings as files, volumes, memory, commands. Their own probes say when they are ready; Docker restarts what ends.
All start at once, as nothing in a cluster orders them. Not tried: scheduling, Services, network policies, autoscalers.
"""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cross_check import build
from cross_check.cluster import Cluster, Workload
from engine import docker, remove
from running_platform import eventually

NETWORK = "appraise-pods"

pytestmark = pytest.mark.e2e


class Node:
    """Runs pods. The folder is its disk."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self._folder = cluster, folder
        self.pods = cluster.workloads

    def start(self) -> None:
        """All at once."""
        docker("network", "create", NETWORK)
        for pod in self.pods:
            self._start(pod)

    def _start(self, pod: Workload) -> None:
        (container,) = pod.containers
        context = {**pod.pod["securityContext"], **container["securityContext"]}
        options = [
            f"--name={self.name(pod)}",
            f"--network={NETWORK}",
            f"--restart={'on-failure:10' if pod.kind == 'Job' else 'always'}",
            f"--user={context['runAsUser']}:{context['runAsGroup']}",
            f"--memory={container['resources']['limits']['memory'].removesuffix('i')}",
            "--security-opt=no-new-privileges",
            *(f"--cap-drop={capability}" for capability in context["capabilities"]["drop"]),
            *(["--read-only"] if context["readOnlyRootFilesystem"] else []),
            *(f"--network-alias={name}" for name in self._names(pod)),
            *(f"--env={name}={value}" for name, value in self._variables(container)),
            *(option for mount in container["volumeMounts"] for option in self._mount(pod, mount)),
        ]
        docker("run", "--detach", *options, container["image"], *container.get("args", []))

    def _names(self, pod: Workload) -> list[str]:
        return [one["metadata"]["name"] for one in self.cluster.all("Service") if pod in self.cluster.behind(one)]

    def _variables(self, container: Any) -> Iterator[tuple[str, str]]:
        for source in container.get("envFrom", []):
            yield from (self.cluster.keys("ConfigMap", source["configMapRef"]["name"]) or {}).items()
        for one in container.get("env", []):
            if "value" in one:
                yield one["name"], one["value"]
            else:
                reference = one["valueFrom"]["configMapKeyRef"]
                yield one["name"], (self.cluster.keys("ConfigMap", reference["name"]) or {})[reference["key"]]

    def _mount(self, pod: Workload, mount: Any) -> Iterator[str]:
        volumes = {one["name"]: one for one in pod.pod.get("volumes", [])}
        match volumes.get(mount["name"], {}):
            case {"emptyDir": _}:
                yield f"--tmpfs={mount['mountPath']}:mode=1777"
            case {"secret": source}:
                yield f"--volume={self._files(pod, 'Secret', source)}:{mount['mountPath']}:ro"
            case {"configMap": source}:
                yield f"--volume={self._files(pod, 'ConfigMap', source)}:{mount['mountPath']}:ro"
            case {"persistentVolumeClaim": claim}:
                yield f"--volume={self._kept(claim['claimName'])}:{mount['mountPath']}"
            case _:  # a claim of the workload's own
                yield f"--volume={self._kept(pod.name)}:{mount['mountPath']}"

    def _kept(self, claim: str) -> Path:
        place = self._folder / "volumes" / claim
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o777)  # as fsGroup would let the pod write
        return place

    def _files(self, pod: Workload, kind: str, source: Any) -> Path:
        name = source.get("secretName") or source["name"]
        keys = self.cluster.keys(kind, name) or {}
        wanted = [item["key"] for item in source.get("items", [])] or list(keys)
        place = self._folder / f"{pod.name}-{kind}-{name}"
        place.mkdir()
        for key in wanted:
            (place / key).write_text(keys[key])
            (place / key).chmod(source.get("defaultMode", 0o644))
        return place

    def name(self, pod: Workload) -> str:
        """Of its container."""
        return f"{NETWORK}-{pod.name}"

    def is_ready(self, pod: Workload) -> bool:
        """As its own probe finds, or for a Job whether it is done."""
        state = docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.name(pod))
        if pod.kind == "Job":
            return state == "exited 0"
        (container,) = pod.containers
        probe = container.get("readinessProbe") or container["livenessProbe"]
        if "exec" in probe:
            command = ("docker", "exec", self.name(pod), *probe["exec"]["command"])
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        port = pod.port(probe["httpGet"]["port"])
        try:
            return httpx.get(f"http://{self.address(pod)}:{port}{probe['httpGet']['path']}", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def address(self, pod: Workload) -> str:
        """Of its network."""
        return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", self.name(pod))

    def restarts(self) -> dict[str, int]:
        """How often each was started again, if it was."""
        counts = {
            pod.name: int(docker("inspect", "--format", "{{.RestartCount}}", self.name(pod))) for pod in self.pods
        }
        return {name: count for name, count in counts.items() if count}

    def end(self) -> None:
        """Everything."""
        remove(*map(self.name, self.pods), network=NETWORK)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("pods")
    build.lay_out(folder / "deploy")
    cluster = Cluster(build.objects(build.build(folder / "deploy/k8s/overlays/dev"), {}))
    found = Node(cluster, folder)
    began = time.monotonic()
    try:
        found.start()
        for pod in found.pods:
            eventually(partial(found.is_ready, pod), seconds=300)
        told = (
            f"all of {len(found.pods)} ready after {time.monotonic() - began:.0f} s; started again: {found.restarts()}"
        )
        sys.stderr.write(f"pods-test: {told}\n")
        yield found
    finally:
        found.end()


def test_somebody_signs_in_through_the_gateway(node: Node) -> None:
    (gateway,) = [pod for pod in node.pods if pod.name == "gateway"]
    secret = next(one for one in node.cluster.all("Secret") if one["metadata"]["name"] == "auth")
    password = base64.b64decode(secret["data"]["auth_admin_password"]).decode()
    with httpx.Client(base_url=f"http://{node.address(gateway)}:8000") as http:
        answer = http.post("/api/v1/auth/login", json={"email": "admin@localhost.localdomain", "password": password})
        assert answer.status_code == 200, answer.text
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        paths = ("/api/v1/users/me", "/api/v1/apps", "/api/v1/points", "/api/v1/feeds", "/login", "/readyz")
        assert {path: http.get(path, headers=token).status_code for path in paths} == dict.fromkeys(paths, 200)
        pages = http.get("/metrics")
        assert pages.status_code == 404  # they are on a port of their own
        metrics = httpx.get(f"http://{node.address(gateway)}:{gateway.port('metrics')}/metrics")
        assert "gateway_requests_total" in metrics.text
