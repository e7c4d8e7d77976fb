"""The published suite of hostile requests against a running gateway and against nginx as the proxy, side by side.

    .venv/bin/python chaos/gateway_hostile.py --nginx PATH

The same upstream is behind both, and counts what reaches it. For nginx there is no right or wrong here: it is a proxy
that passes on more, and what it passes on the services have to judge.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from gateway_relay import filled
from hostile_requests import HOSTILE
from peers.gateway import NGINX_PROXY
from running_gateway import open_gateway, raw_server

from local_stack.ports import free_ports

PATIENCE_SECONDS = 1.0


@asynccontextmanager
async def nginx(program: str, behind: int) -> AsyncIterator[int]:
    """nginx as the proxy; its port."""
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    (port,) = free_ports(1)
    values = {"PORT": str(port), "BEHIND": str(behind), "EVENTS": str(behind), "FOLDER": str(folder)}
    (folder / "proxy.conf").write_text(filled(NGINX_PROXY, values))
    command = (program, "-p", str(folder), "-e", str(folder / "log"), "-c", str(folder / "proxy.conf"))
    process = await asyncio.create_subprocess_exec(*command)
    try:
        while await ask(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") == "none":  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def ask(port: int, request: bytes) -> str:
    """The status of the first answer; "none" when nothing came in time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                line = await reader.readline()
                return line.split()[1].decode() if line.startswith(b"HTTP/") else "none"
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, IndexError):
        return "none"


async def run(program: str) -> None:
    reached = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        while head := await reader.readuntil(b"\r\n\r\n"):
            reached += head.startswith((b"GET", b"POST", b"TRACE", b"OPTIONS"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(handle) as behind, nginx(program, behind) as other:
        ports = dict.fromkeys(("auth", "catalog", "rewards", "isin", "web"), behind)
        async with open_gateway(ports=ports) as gateway:
            wrong, passed = 0, {"gateway": 0, "nginx": 0}
            print(f"{'':44} expected  gateway  nginx")  # noqa: T201 - a script prints
            for hostile in HOSTILE:
                answers = {}
                for name, port in (("gateway", gateway.port), ("nginx", other)):
                    before = reached
                    answers[name] = await ask(port, hostile.request)
                    passed[name] += reached > before
                wrong += answers["gateway"] != str(hostile.status)
                print(f"{hostile.name:44} {hostile.status:8} {answers['gateway']:>8} {answers['nginx']:>6}")  # noqa: T201 - as above
    print(f"\n{len(HOSTILE)} requests; the gateway answered {wrong} otherwise than expected")  # noqa: T201 - as above
    print(f"reached the service: {passed['gateway']} through the gateway, {passed['nginx']} through nginx")  # noqa: T201 - as above


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nginx", default=shutil.which("nginx"), required=shutil.which("nginx") is None)
    asyncio.run(run(parser.parse_args().nginx))


if __name__ == "__main__":
    main()
