"""What schedulers cost: ``.venv/bin/python bench/scheduler_costs.py [--jobs 1000] [--probes 40] [--airflow]``.

The schedulers of ``chaos/scheduler_faults.py``, each with one worker and its defaults. The job inserts a row over a
connection that is kept. Throughput: so many jobs at once, until the last row. Latency: from sending a job, while there
is nothing else to do, to its row. Memory: PSS of scheduler and worker with their children after that, so shared pages
count once. APScheduler runs jobs in the process that asks for them. Of ours the latency is from a ring to the published
list of one row, everything between included. ``--airflow``: how many processes ``airflow standalone`` is, how large.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
from environments import ROOT, environment
from figures import tell

sys.path.insert(0, str(ROOT / "chaos"))

from pydantic import SecretStr
from scheduler_systems import ADAPTERS, SYSTEMS, Stage, stage

from isin_worker.jobs import BELL
from isin_worker.testing import eventually
from local_stack.embedded.for_tests import throwaway_servers
from servicekit.jobs import ArqRinger

MIB = 1024 * 1024
NAMES = ("arq", "celery", "rq", "dramatiq", "apscheduler")
PAUSE = 0.15  # seconds between two probes
_LATENCY = "SELECT extract(epoch FROM at)::float - sent FROM effect WHERE sent > $1 ORDER BY 1"
_PUBLISHED = "SELECT extract(epoch FROM finished_at)::float FROM run WHERE status = 'succeeded'"
_FORGET = "TRUNCATE isin_change, listing, publication, run CASCADE"


async def rows(on: Stage) -> int:
    """How many quick jobs are done."""
    connection = await asyncpg.connect(on.database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM effect WHERE sent IS NOT NULL"))
    finally:
        await connection.close()


async def send(on: Stage, adapter: str, count: int, pause: float) -> None:
    """Enqueue from a process of the system's own."""
    sender = await asyncio.create_subprocess_exec(
        on.bin / "python", "send.py", adapter, str(count), str(pause), env=on.variables, cwd=ADAPTERS,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if await sender.wait():
        raise RuntimeError(f"{adapter} could not send")


def pss(pids: list[int]) -> float:
    """MiB of these processes and all they started, shared pages by their share."""
    family = {member for pid in pids for member in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]}
    return sum(member.memory_full_info().pss for member in family) / MIB


async def measure(name: str, jobs: int, probes: int) -> None:
    """Throughput, latency and memory of one system."""
    with tempfile.TemporaryDirectory(prefix="appraise-costs-") as folder:
        async with stage(replace(SYSTEMS[name], period=3600 if name == "core" else 30), Path(folder)) as on:
            for process in ("worker", *(["scheduler"] if on.system.scheduler else [])):
                await on.start(process)
            if on.is_core:
                await _ours(on, name, probes)
            else:
                await _theirs(on, name, jobs, probes)
            memory = pss([process.pid for process in on.processes.values()])
            tell("schedulers", f"{name}: memory", [memory], "MiB", "lower")


async def _theirs(on: Stage, name: str, jobs: int, probes: int) -> None:
    async def done(count: int) -> None:
        async def are_there() -> bool:
            return await rows(on) >= count

        await eventually(are_there)

    await send(on, f"on_{name}", 5, 0)
    await done(5)  # it is up, and connected
    began = time.perf_counter()
    await send(on, f"on_{name}", jobs, 0)
    await done(5 + jobs)
    tell("schedulers", f"{name}: jobs", [jobs / (time.perf_counter() - began)], "a second")
    since = time.time()
    await send(on, f"on_{name}", probes, PAUSE)
    await done(5 + jobs + probes)
    connection = await asyncpg.connect(on.database_url)
    took = [row[0] * 1000 for row in await connection.fetch(_LATENCY, since)]
    await connection.close()
    _tell_latency(name, took)


async def _ours(on: Stage, name: str, probes: int) -> None:
    on.publisher.seconds = 0
    bell, connection = ArqRinger(SecretStr(on.valkey.url()), BELL), await asyncpg.connect(on.database_url)

    async def published() -> bool:
        return await connection.fetchval(_PUBLISHED) is not None

    await eventually(published)
    took = []
    for _ in range(probes):
        await connection.execute(_FORGET)
        sent = time.time()
        await bell.ring()
        await eventually(published)
        took.append((await connection.fetchval(_PUBLISHED) - sent) * 1000)
    _tell_latency(name, took)
    await bell.close()
    await connection.close()


def _tell_latency(name: str, took: list[float]) -> None:
    tell("schedulers", f"{name}: latency, median", [statistics.median(took)], "ms", "lower")
    tell("schedulers", f"{name}: latency, slowest of {len(took)}", [max(took)], "ms", "lower")


def airflow() -> None:
    """Processes and memory of a whole Airflow that has one DAG and does nothing."""
    programs = environment(ROOT / "deploy/schedulers/airflow/requirements.txt")
    with tempfile.TemporaryDirectory(prefix="appraise-airflow-") as folder:
        settings = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "deploy/schedulers/airflow/dags"),
        }
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the program of our own list
                [programs / "airflow", "standalone"], env=settings, stdout=log, stderr=log, start_new_session=True
            )
        whole = psutil.Process(process.pid)
        try:
            began = time.monotonic()
            while "Airflow is ready" not in (Path(folder) / "log").read_text(errors="replace"):
                if process.poll() is not None or time.monotonic() - began > 240:
                    raise RuntimeError((Path(folder) / "log").read_text(errors="replace")[-2000:])
                time.sleep(0.5)
            tell("schedulers", "airflow: until it is ready", [time.monotonic() - began], "s", "lower")
            time.sleep(10)  # its executor starts a pool of processes
            tell("schedulers", "airflow: processes", [1 + len(whole.children(recursive=True))], "processes", "lower")
            tell("schedulers", "airflow: memory", [pss([process.pid])], "MiB", "lower")
        finally:
            for one in [*whole.children(recursive=True), whole]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--probes", type=int, default=40)
    parser.add_argument("--only", choices=[*NAMES, "core"], action="append")
    parser.add_argument("--airflow", action="store_true")
    asked = parser.parse_args()
    for name in NAMES:
        environment(ADAPTERS / f"{name}.txt")
    with throwaway_servers() as servers:
        os.environ["APPRAISE_TEST_POSTGRES_URL"] = servers.postgres_url
        for name in asked.only or [*NAMES, "core"]:
            jobs = asked.jobs // 10 if name == "rq" else asked.jobs  # it forks for each
            asyncio.run(measure(name, jobs, asked.probes))
    if asked.airflow:
        airflow()


if __name__ == "__main__":
    main()
