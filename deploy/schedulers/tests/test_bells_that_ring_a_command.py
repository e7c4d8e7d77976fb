"""What systemd, cron and Kubernetes start, started as they would: read from the files that are installed."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from bells import Bells

pytestmark = pytest.mark.integration


def exec_start(unit: str) -> list[str]:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # as the manual of configparser says
    parsed.read_string(unit)
    return shlex.split(parsed["Service"]["ExecStart"])


def cron_line(table: str) -> str:
    """The command of the one line, which any day's any quarter of an hour starts as the user of the service."""
    found = re.search(r"^\*/15 \* \* \* \* appraise (.+)$", table, re.MULTILINE)
    assert found is not None
    return found[1]


def pod(manifest: str) -> dict[str, Any]:
    return yaml.safe_load(manifest)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def mistakes(units: list[Path]) -> str:
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    return "".join(line for line in verified.stderr.splitlines() if "isin-worker" in line)


async def test_two_systemd_services_at_once_are_one_run(bells: Bells) -> None:
    command = exec_start(bells.placed("systemd/isin-worker.service"))
    await bells.two_at_once(command, command)


async def test_two_crontab_lines_at_once_are_one_run(bells: Bells) -> None:
    command = ["/usr/bin/env", "-i", "/bin/sh", "-c", cron_line(bells.placed("cron/isin-worker.cron"))]
    await bells.two_at_once(command, command)


async def test_two_pods_of_the_cronjob_at_once_are_one_run(bells: Bells) -> None:
    command = pod(bells.placed("../k8s/components/isin-cronjob/cronjob.yaml"))["command"]
    await bells.two_at_once(command, command)


async def test_two_arq_workers_are_one_run_and_end_well(bells: Bells) -> None:
    command = exec_start(bells.placed("arq/isin-worker-arq.service"))
    bells.hold()
    async with bells.process(*command) as one, bells.process(*command) as other:
        await bells.said("Starting worker for 2 functions", times=2)
        await bells.publisher.waiting.wait()
        bells.let_go()
        await bells.done()
        for worker in (one, other):
            worker.terminate()
            assert await worker.wait() == 0
    await bells.one_run()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
def test_systemd_understands_the_units(bells: Bells, tmp_path: Path) -> None:
    names = ["systemd/isin-worker.service", "systemd/isin-worker.timer", "arq/isin-worker-arq.service"]
    for name in names:
        (tmp_path / Path(name).name).write_text(bells.placed(name))
    units = [tmp_path / Path(name).name for name in names]
    assert mistakes(units) == ""
    units[0].write_text(units[0].read_text().replace("ExecStart=", "ExecStat="))
    assert "ExecStat" in mistakes(units)
