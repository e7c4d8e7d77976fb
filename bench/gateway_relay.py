"""The gateway beside nginx (and FastAPI with httpx) as the proxy, in one run and over one upstream.

    .venv/bin/python bench/gateway_relay.py [--nginx PATH] [--only get,post,...] [--rounds 5] [--seconds 4]

The proxy has a core of its own; wrk and the upstream (nginx, 1 KiB of JSON from memory) share the other one. The
proxies take turns, so that a change of the machine's mood meets all; figures are medians of the rounds. What counts is
requests for each second of processor time of the proxy (user and system), as wrk and upstream set the rate. The gateway
has all on: token check, limits, access log to a file, metrics. nginx has X-Forwarded-*, X-Request-ID and kept
connections, and no log and no limits. ``varied``: each request has another header (its own X-Request-ID), so that
nothing is remembered. ``upload``: 8 MiB over four connections, read to the end by the service behind.
"""

# ruff: noqa: T201 - a bench prints

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from debian import unpacked
from figures import tell

sys.path.insert(0, str(Path(__file__).parent))
from peers.gateway import NGINX_PROXY, NGINX_UPSTREAM, EventSource, Signer

from gateway.routes import PACKAGED
from local_stack.ports import free_ports

TARGET = "/api/v1/isins/US0378331005"
UPLOAD_TARGET = "/api/v1/tasks/00000000-0000-0000-0000-000000000001/proof"
PROXY_CORE, OTHER_CORE = 0, 1
MIB = 1024 * 1024
VARIED = 'n = 0; request = function() n = n + 1; wrk.headers["X-Request-ID"] = "bench-" .. n; return wrk.format() end'
UPLOAD = 'wrk.method = "POST"; wrk.headers["Content-Type"] = "image/png"; wrk.body = string.rep("a", 8 * 1024 * 1024)'
POST = 'wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"; wrk.body = string.rep("a", 200)'


@dataclass(frozen=True)
class Proxy:
    """One that is measured."""

    name: str
    port: int
    process: psutil.Process

    def spent(self) -> float:
        """Seconds of processor time so far."""
        return sum(self.process.cpu_times()[:2])


def start(
    stack: ExitStack, core: int, port: int, *command: str, log: Path, env: dict[str, str] | None = None
) -> psutil.Process:
    """Run a server on one core until the stack is closed; returns when it answers."""
    out = stack.enter_context(log.open("ab"))
    process = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=out, stderr=out, env=env)  # noqa: S603, S607 - our own
    stack.callback(process.wait)
    stack.callback(process.terminate)
    until = time.monotonic() + 20
    while not answers(f"http://127.0.0.1:{port}/healthz"):
        if process.poll() is not None or time.monotonic() > until:
            sys.exit(log.read_text()[-2000:])
        time.sleep(0.1)
    return psutil.Process(process.pid)


def filled(text: str, values: dict[str, str]) -> str:
    """``@NAME@`` replaced by the value of that name."""
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], text)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1):  # noqa: S310 - an address on loopback
            return True
    except URLError:
        return False


@contextmanager
def proxies(options: argparse.Namespace) -> Iterator[tuple[list[Proxy], str, EventSource]]:
    """Everything that is compared, the token to call with, and the source of the event streams."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        behind, front, door, slow, events = free_ports(5)
        signer = Signer()
        texts = {"upstream": NGINX_UPSTREAM, "proxy": NGINX_PROXY}
        for name, text in texts.items():
            values = {
                "PORT": str(behind if name == "upstream" else front),
                "BEHIND": str(behind),
                "EVENTS": str(events),
            }
            values |= {"JWKS": signer.jwks, "BODY": '{"x":"' + "a" * 1016 + '"}', "FOLDER": str(folder)}
            (folder / f"{name}.conf").write_text(filled(text, values))
        log = folder / "log"
        nginx = [options.nginx, "-p", str(folder), "-e", str(log), "-c"]
        start(stack, OTHER_CORE, behind, *nginx, str(folder / "upstream.conf"), log=log)
        source = stack.enter_context(EventSource(events, OTHER_CORE))
        options.behind = behind
        environment = gateway_environment(behind, events, signer, folder)
        found = [Proxy("nginx", front, start(stack, PROXY_CORE, front, *nginx, str(folder / "proxy.conf"), log=log))]
        serve = [sys.executable, "-m", "gateway", "serve", "--port", str(door)]
        found.append(
            Proxy("gateway", door, start(stack, PROXY_CORE, door, *serve, log=folder / "access", env=environment))
        )
        if options.httpx:
            peer = [sys.executable, "-m", "peers.gateway", str(slow), str(behind)]
            environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
            found.append(Proxy("fastapi+httpx", slow, start(stack, PROXY_CORE, slow, *peer, log=log, env=environment)))
        yield found, signer.token(), source


def gateway_environment(behind: int, events: int, signer: Signer, folder: Path) -> dict[str, str]:
    """The settings of the gateway. Its bounds count as they do elsewhere, and are so wide that nobody is refused."""
    table = folder / "routes.toml"
    table.write_text(re.sub(r"(per_second|burst) = \d+", r"\1 = 1_000_000_000", PACKAGED.read_text()))
    ours = {f"GATEWAY_{name}_URL": f"http://127.0.0.1:{behind}" for name in ("AUTH", "CATALOG", "ISIN", "WEB")}
    ours |= {"GATEWAY_REWARDS_URL": f"http://127.0.0.1:{events}", "GATEWAY_ENVIRONMENT": "test"}
    ours |= {"GATEWAY_TOKEN_ISSUER": signer.issuer, "GATEWAY_ROUTES_FILE": str(table)}
    ours |= {"GATEWAY_UPSTREAM_REQUESTS": "2000"}
    return os.environ | ours


def wrk(
    proxy: Proxy,
    token: str,
    options: argparse.Namespace,
    *,
    connections: int,
    script: str = "",
    target: str = TARGET,
) -> dict[str, float]:
    """Requests a second, microseconds of the proxy for each, and the median latency in microseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [
            "taskset",
            "-c",
            str(OTHER_CORE),
            options.wrk,
            "-t1",
            f"-c{connections}",
            f"-d{options.seconds}s",
            "--latency",
        ]
        command += ["-H", f"Authorization: Bearer {token}", "-H", "Accept: application/json", "-H", "User-Agent: bench"]
        command += ["-s", file.name] if script else []
        spent = proxy.spent()
        command.append(f"http://127.0.0.1:{proxy.port}{target}")
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
        spent = proxy.spent() - spent
    if "Non-2xx" in report or "Socket errors" in report:
        sys.exit(f"{proxy.name}:\n{report}")
    count = int(re.findall(r"(\d+) requests in", report)[0])
    if count == 0:
        sys.exit(f"{proxy.name}: not one answer in {options.seconds} s")
    value, unit = re.findall(r"50%\s+([0-9.]+)(us|ms|s)", report)[0]
    p50 = float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return {"rate": count / options.seconds, "cpu": spent / count * 1e6, "p50": p50}


def compare(
    name: str, measure: Callable[[Proxy], dict[str, float]], found: list[Proxy], options: argparse.Namespace
) -> None:
    """Let all take turns, and print the medians and the ratios to nginx."""
    rounds = [{proxy.name: measure(proxy) for proxy in found} for _ in range(options.rounds)]
    print(f"\n{name}")
    for proxy in found:
        middle = {key: statistics.median(one[proxy.name][key] for one in rounds) for key in rounds[0][proxy.name]}
        share = statistics.median(one["nginx"]["cpu"] / one[proxy.name]["cpu"] for one in rounds)
        figures = "  ".join(f"{key} {value:10,.1f}" for key, value in middle.items())
        if proxy.name == "gateway":
            ratios = [one["nginx"]["cpu"] / one[proxy.name]["cpu"] for one in rounds]
            tell("gateway", f"{name}, of nginx by core-second", ratios, "times")
        print(f"  {proxy.name:14} {figures}  per core-second {1e6 / middle['cpu']:9,.0f}  of nginx {share:6.3f}")


def added_latency(found: list[Proxy], token: str, options: argparse.Namespace) -> None:
    """What each adds to the median at one connection, over the upstream asked directly on the proxies' core."""
    upstream = Proxy("direct", options.behind, found[0].process)
    rounds = []
    for _ in range(options.rounds):
        direct = wrk(upstream, token, options, connections=1)["p50"]
        rounds.append({proxy.name: wrk(proxy, token, options, connections=1)["p50"] - direct for proxy in found})
    print("\nadded p50 at one connection, microseconds")
    for proxy in found:
        added = statistics.median(one[proxy.name] for one in rounds)
        share = statistics.median(one[proxy.name] / one["nginx"] for one in rounds)
        print(f"  {proxy.name:14} {added:8.0f}  of nginx {share:6.2f}")


def memory(found: list[Proxy], token: str, options: argparse.Namespace) -> None:
    """Resident memory over runs with 1,000 connections."""
    print("\nresident MiB: before, and after each of five runs with 1,000 connections")
    for proxy in found:
        sizes = [proxy.process.memory_info().rss / MIB]
        for _ in range(5):
            wrk(proxy, token, options, connections=1000)
            sizes.append(proxy.process.memory_info().rss / MIB)
        print(f"  {proxy.name:14} {'  '.join(f'{size:6.1f}' for size in sizes)}")


def _program(package: str, path: str) -> str | None:
    folder = unpacked(package)
    return None if folder is None else str(folder / path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 5), ("seconds", 4), ("connections", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--nginx", default=shutil.which("nginx"))
    parser.add_argument("--only", default="get,varied,post,upload,events,latency,memory")
    parser.add_argument("--httpx", action="store_true", help="FastAPI with httpx too, by get only")
    options = parser.parse_args()
    options.nginx = options.nginx or _program("nginx", "usr/sbin/nginx")
    options.wrk = shutil.which("wrk") or _program("wrk", "usr/bin/wrk")
    if options.nginx is None or options.wrk is None:
        sys.exit("nginx and wrk are needed (on Debian and Ubuntu: the packages of those names)")
    chosen = options.only.split(",")
    with proxies(options) as (found, token, source):
        connections = options.connections
        two = [proxy for proxy in found if proxy.name != "fastapi+httpx"]
        if "get" in chosen:
            compare("GET, 1 KiB", lambda proxy: wrk(proxy, token, options, connections=connections), found, options)
        ask = partial(wrk, token=token, options=options)
        for name, script in (("varied", VARIED), ("post", POST)):
            if name in chosen:
                compare(name, partial(ask, connections=connections, script=script), two, options)
        if "upload" in chosen:
            upload = partial(ask, connections=4, script=UPLOAD, target=UPLOAD_TARGET)
            compare("upload of 8 MiB", upload, two, options)
        if "events" in chosen:
            compare(
                "events to 100 readers",
                lambda proxy: asyncio.run(source.read(proxy.port, proxy.process, token, options.seconds)),
                two,
                options,
            )
        if "latency" in chosen:
            added_latency(two, token, options)
        if "memory" in chosen:
            memory(two, token, options)


if __name__ == "__main__":
    main()
