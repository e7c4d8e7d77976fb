"""``make bench``: measure everything beside its peers, and write ``docs/benchmarks.md`` with its charts.

``python bench/report.py [--full] [--only NAME]``. The quick mode takes under five minutes once the peers are installed;
``--full`` has more rounds, larger data and Airflow. Each bench is a script that can be run alone; it hands its figures
over through ``BENCH_FIGURES``. With ``--only`` the report has that section alone. What cannot be measured on this
machine is named, and the rest goes on.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catalog_fill import fill
from charts import bars
from durable_postgres import durable_postgres
from environments import ROOT, environment

import catalog_service
from servicekit import testing

HERE = Path(__file__).parent
REPORT, CHARTS = ROOT / "docs/benchmarks.md", ROOT / "docs/img"
Figure = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A script, how it is called in either mode, and which of its figures are drawn."""

    name: str
    about: str
    quick: str
    full: str
    drawn: str  # the unit
    needs: tuple[str, ...] = ()  # lists of packages, below bench/peers or chaos


def _lists(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.txt" for name in names)


BENCHES = (
    Bench(
        "patterns", "The order numbers of a large file.",
        "patterns.py --megabytes 10 --rounds 3", "patterns.py --rounds 7",
        "MB/s", _lists("bench/peers", "patterns"),
    ),
    Bench(
        "frameworks", "Five endpoints, one table, one process on one core.",
        "frameworks.py --rounds 3 --seconds 0.7", "frameworks.py --rounds 7 --seconds 3",
        "times", _lists("bench/peers/frameworks", "on_flask", "on_django", "on_fastapi", "on_lean"),
    ),
    Bench(
        "isins", "An ISIN by key, against Django with REST framework.",
        "peers/isins.py {url}", "peers/isins.py {url}", "times", _lists("bench/peers", "django"),
    ),
    Bench(
        "catalog", "The catalogue against Django with REST framework.",
        "peers/catalog.py {filled}", "peers/catalog.py {filled}", "times", _lists("bench/peers", "django"),
    ),
    Bench(
        "gateway", "Requests through the gateway, of nginx as the proxy of the same service.",
        "gateway_relay.py --rounds 2 --seconds 2 --only get,upload",
        "gateway_relay.py --only get,varied,post,upload,events",
        "times",
    ),
    Bench(
        "approvals", "An approval, of what Postgres could do with the same statements.",
        "approvals.py --seconds 2 --rounds 2", "approvals.py", "times",
    ),
    Bench(
        "isin lists", "Reading lists of ISINs, of a bare COPY of the same bytes.",
        "isin_reading.py {folder} --millions 1 --rounds 2 --kinds codes",
        "isin_reading.py {folder} --millions 2 --rounds 3 --others",
        "times", _lists("bench/peers", "isin_reading"),
    ),
    Bench(
        "schedulers", "A worker and its scheduler with their defaults.",
        "scheduler_costs.py --jobs 200 --probes 8", "scheduler_costs.py --airflow",
        "MiB", _lists("chaos/schedulers", "arq", "celery", "rq", "dramatiq", "apscheduler"),
    ),
)  # fmt: skip


def measure(command: str, figures: Path) -> str | None:
    """Run a bench; why it could not be run, if so."""
    argv = [sys.executable, *command.split()]
    variables = os.environ | {"BENCH_FIGURES": str(figures)}
    try:
        ended = subprocess.run(  # noqa: S603 - our own scripts
            argv, cwd=HERE, env=variables, check=False, stderr=subprocess.PIPE, timeout=1800
        )
    except subprocess.TimeoutExpired:
        return "it took more than half an hour"
    if ended.returncode == 0:
        return None
    sys.stderr.write(ended.stderr.decode(errors="replace"))
    return ended.stderr.decode(errors="replace").strip().splitlines()[-1][:200]


def figures_of(bench: Bench, lines: list[Figure]) -> Iterator[str]:
    """The section of a bench in the report."""
    yield f"| {bench.name} | median | lowest to highest | rounds |\n|---|---|---|---|\n"
    for line in lines:
        spread = f"{number(line['low'])} to {number(line['high'])}" if line["rounds"] > 1 else ""
        yield f"| {line['what']} | {number(line['median'])} {line['unit']} | {spread} | {line['rounds']} |\n"


def number(value: float) -> str:
    """With three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> Iterator[str]:
    """What it was measured on."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - where it is depends on the system
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    name = cpu.partition(":")[2].strip() or platform.machine()
    yield f"- {len(os.sched_getaffinity(0))} processors ({name}), {memory:.0f} GiB, Linux {platform.release()},"
    yield f" load at the start {os.getloadavg()[0]:.1f}\n"
    yield f"- Python {platform.python_version()}, FastAPI {version('fastapi')}, asyncpg {version('asyncpg')},"
    yield f" SQLAlchemy {version('sqlalchemy')}, arq {version('arq')}; PostgreSQL 18 and Valkey 9 from wheels\n"
    yield f"- peers at the versions of the lists that each section names; commit `{commit}`\n"


def filled_catalog(url: str, rows: int) -> str:
    """A database of the catalogue with so many apps."""
    os.environ["APPRAISE_TEST_POSTGRES_URL"] = url
    made = asyncio.run(testing.create_database(str(catalog_service.__file__), "bench_catalog"))
    asyncio.run(fill(made, rows))
    return made


def main() -> int:
    """Measure and write. Ends with 1 when a bench could not be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=[bench.name for bench in BENCHES], action="append")
    parser.add_argument("--into", type=Path, default=REPORT)
    asked = parser.parse_args()
    chosen = [bench for bench in BENCHES if not asked.only or bench.name in asked.only]
    for needed in {needed for bench in chosen for needed in bench.needs}:
        environment(ROOT / needed)
    os.environ.setdefault("BENCH_SECONDS", "3" if asked.full else "0.6")
    head, sections, failed, began = "".join(machine()), [], 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="appraise-bench-") as folder, durable_postgres(Path(folder) / "pg") as url:
        Path(folder).chmod(0o755)
        places = {"url": url, "folder": f"{folder}/lists"}
        if any(bench.name == "catalog" for bench in chosen):
            places["filled"] = filled_catalog(url, 1_000_000 if asked.full else 50_000)
        for bench in chosen:
            figures, command = Path(folder) / f"{bench.name}.jsonl", bench.full if asked.full else bench.quick
            figures.touch()
            problem = measure(command.format(**places), figures)
            failed += problem is not None
            lines = [json.loads(line) for line in figures.read_text().splitlines()]
            sections.append(section(bench, command, lines, problem))
    command, took = f"make bench{' FULL=1' if asked.full else ''}", time.monotonic() - began
    asked.into.write_text(
        f"# Benchmarks\n\nWritten by `{command}` on {datetime.now(UTC):%Y-%m-%d}, in {took:.0f} s."
        " Medians of rounds in which the sides took\nturns, with the lowest and the highest."
        " Ratios carry over to other machines better than rates do.\n\n"
        + head + "\n" + "\n".join(sections)
    )  # fmt: skip
    return 1 if failed else 0


def section(bench: Bench, command: str, lines: list[Figure], problem: str | None) -> str:
    """What is said of one bench, with its chart."""
    drawn = [line for line in lines if line["unit"] == bench.drawn]
    text = f"## {bench.name.capitalize()}\n\n{bench.about} `bench/{command}`"
    text += f"; packages in `{'`, `'.join(bench.needs)}`.\n\n" if bench.needs else ".\n\n"
    if problem:
        text += f"Not measured to the end: {problem}\n\n"
    if drawn:
        chart = CHARTS / f"bench-{bench.name.replace(' ', '-')}.svg"
        chart.write_text(bars(drawn))
        text += f"![{bench.name}](img/{chart.name})\n\n"
    return text + ("".join(figures_of(bench, lines)) if lines else "")


if __name__ == "__main__":
    sys.exit(main())
