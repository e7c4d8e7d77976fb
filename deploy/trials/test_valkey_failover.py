"""``make valkey-test``: the Valkey of ``deploy/k8s/components/valkey-failover`` loses its primary, in containers.

The scripts and settings are those of the manifests, and each container is confined as its pod would be. A pod is two
containers with one network, under the names that a cluster's DNS would give it. HAProxy comes from Debian's package, as
no image of it can be counted on. The client is redis-py, as in the services, and writes twenty numbers a second.
"""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debian import unpacked
from engine import docker, remove
from redis.asyncio import Redis
from redis.exceptions import RedisError
from running_platform import eventually

COMPONENT = Path(__file__).parents[1] / "k8s/components/valkey-failover"
IMAGE = "valkey/valkey:9"
NETWORK = "appraise-failover"
NODES = ("valkey-0", "valkey-1", "valkey-2")
PASSWORD = secrets.token_hex(16)
PAUSE_SECONDS = 0.05
LIBRARIES = ("liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")

pytestmark = pytest.mark.e2e


class Pods:
    """Three servers with their sentinels, and a proxy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("secrets", *NODES):
            (folder / name).mkdir()
            (folder / name).chmod(0o777)  # the pods are another user
        (folder / "secrets/valkey_password").write_text(PASSWORD)

    def start(self) -> None:
        """All of them, at once."""
        docker("network", "create", NETWORK)
        for node in NODES:
            names = [f"--network-alias={node}.valkey-nodes{rest}" for rest in ("", ".appraise.svc.cluster.local")]
            self._run(node, "server.sh", f"--hostname={node}", f"--network={NETWORK}", *names)
            self._run(node, "sentinel.sh", f"--network=container:{node}-server")
        self._start_proxy()

    def _run(self, node: str, script: str, *options: str) -> None:
        name = f"{node}-{script.removesuffix('.sh')}"
        mounts = (
            f"{COMPONENT}:/etc/valkey:ro",
            f"{self._folder / node}:/data",
            f"{self._folder}/secrets:/run/secrets:ro",
        )
        volumes = [f"--volume={mount}" for mount in mounts]
        confined = ("--user=10999:10999", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp:mode=1777")
        restart = "--restart=unless-stopped"
        command = (IMAGE, "sh", f"/etc/valkey/{script}")
        docker("run", "--detach", f"--name={name}", restart, *options, *confined, *volumes, *command)

    def _start_proxy(self) -> None:
        roots = [unpacked(package) for package in ("haproxy", *LIBRARIES)]
        if None in roots:
            pytest.skip("apt-get does not get Debian's haproxy on this machine")
        volumes = [f"--volume={root}:/opt/{number}:ro" for number, root in enumerate(roots)]
        libraries = ":".join(f"/opt/{number}/usr/lib/x86_64-linux-gnu" for number in range(1, len(roots)))
        settings = {"LD_LIBRARY_PATH": libraries, "VALKEY_PASSWORD": PASSWORD, "NAMESPACE": "appraise"}
        docker(
            "run", "--detach", "--name=valkey-proxy", f"--network={NETWORK}", "--publish=127.0.0.1::6379",
            "--user=10099:10099", "--read-only", "--cap-drop=ALL", f"--volume={COMPONENT}:/etc/haproxy:ro", *volumes,
            *(f"--env={name}={value}" for name, value in settings.items()),
            IMAGE, "/opt/0/usr/sbin/haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg",
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Where clients connect to: the proxy."""
        return f"redis://:{PASSWORD}@{docker('port', 'valkey-proxy', '6379/tcp')}/0"

    def roles(self) -> dict[str, str]:
        """What each server says of itself; nothing of those that do not answer."""
        return {node: role for node in NODES if (role := self._ask(node, "role").partition("\n")[0])}

    def number(self) -> set[str]:
        """What the servers have, each."""
        return {self._ask(node, "get", "number") for node in NODES}

    def _ask(self, node: str, *question: str) -> str:
        command = (
            "docker",
            "exec",
            f"--env=REDISCLI_AUTH={PASSWORD}",
            f"{node}-server",
            "valkey-cli",
            "--raw",
            *question,
        )
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()

    def primary(self) -> str:
        """The one that is."""
        (found,) = [node for node, role in self.roles().items() if role == "master"]
        return found

    def is_whole(self) -> bool:
        """One primary, and two that follow it."""
        return sorted(self.roles().values()) == ["master", "slave", "slave"]

    def kill(self, node: str) -> None:
        """As a node dies."""
        docker("kill", f"{node}-server", f"{node}-sentinel")

    def leave(self, node: str) -> None:
        """As a pod is asked to go: what its manifest does first, and SIGTERM."""
        docker("exec", f"{node}-server", "sh", "/etc/valkey/leave.sh")
        docker("stop", f"{node}-server", f"{node}-sentinel")

    def come_back(self, node: str) -> None:
        """With what it had on its disk."""
        docker("start", f"{node}-server")
        docker("start", f"{node}-sentinel")

    def end(self) -> None:
        """Everything."""
        names = [f"{node}-{part}" for node in NODES for part in ("server", "sentinel")]
        remove("valkey-proxy", *names, network=NETWORK)


@dataclass
class Writer:
    """Counts on the server: how far it got, what it was told and is gone, the longest time without an answer."""

    taken: int = 0
    lost: int = 0
    refused: int = 0
    gap: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    async def write(self, redis: Redis) -> None:
        """Until it is cancelled."""
        while True:
            try:
                number = await redis.incr("number")
            except (RedisError, OSError):
                self.refused += 1
            else:
                self.lost += max(0, self.taken + 1 - number)
                self.taken = number
                self.gap = max(self.gap, time.monotonic() - self._since)
                self._since = time.monotonic()
            await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[Writer]:
    """From here to the end of the block."""
    writer = Writer()
    async with Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0) as redis:
        task = asyncio.create_task(writer.write(redis))
        try:
            yield writer
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    found = Pods(tmp_path_factory.mktemp("failover"))
    try:
        found.start()
        assert eventually(found.is_whole, seconds=120)
        yield found
    finally:
        found.end()


async def until_taken(writer: Writer, count: int) -> None:
    """Until so many more were written."""
    async with asyncio.timeout(120):
        wanted = writer.taken + count
        while writer.taken < wanted:  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(PAUSE_SECONDS)


@pytest.mark.parametrize("way", ["leave", "kill"])
async def test_the_next_primary_takes_over_and_the_last_one_follows_it(pods: Pods, way: str) -> None:
    assert await asyncio.to_thread(eventually, pods.is_whole, seconds=120)
    before = await asyncio.to_thread(pods.primary)
    async with writing(pods.url) as writer:
        await until_taken(writer, 20)
        await asyncio.to_thread(getattr(pods, way), before)
        await until_taken(writer, 40)
        await asyncio.to_thread(pods.come_back, before)
        await until_taken(writer, 40)
    told = f"{writer.gap:.1f} s without a write, {writer.refused} refused, {writer.lost} that were told are gone"
    sys.stderr.write(f"valkey-test: {way}: {told}\n")
    assert await asyncio.to_thread(eventually, pods.is_whole, seconds=120)
    assert await asyncio.to_thread(pods.primary) != before
    assert await asyncio.to_thread(eventually, lambda: pods.number() == {str(writer.taken)}, seconds=60)
