"""The schedulers that bring packages of their own, run for real: ``make schedulers-test``."""

import asyncio
import os
import shutil
import signal
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bells import BUSY, SCHEDULERS, Bells
from debian import unpacked

pytestmark = pytest.mark.integration

ENVIRONMENTS = SCHEDULERS.parents[1] / ".venvs"
# A cron on a machine of its own, as far as it can see: only root may make one.
OWN_MACHINE = """
mount -t tmpfs none /mnt && cp -a /etc /mnt/etc && mount --bind /mnt/etc /etc && mkdir -p /etc/cron.d &&
mount -t tmpfs none /run && mount -t tmpfs none /var/spool && mkdir -p /var/spool/cron/crontabs &&
cp "$1" /etc/cron.d/isin-worker && exec "$2" -f
"""
# The systemd of a user, on a machine that looks as if systemd had started it.
OWN_SYSTEMD = """
mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/user/0 && export XDG_RUNTIME_DIR=/run/user/0
/lib/systemd/systemd --user & until systemctl --user start isin-worker.timer; do sleep 0.1; done; wait
"""


def program(scheduler: str, name: str) -> Path:
    """A program of the scheduler's environment."""
    found = ENVIRONMENTS / f"deploy-schedulers-{scheduler}" / "bin" / name
    assert found.exists(), f"`make schedulers-test` installs {found}"
    return found


async def test_a_celery_worker_with_two_beats_is_one_run(bells: Bells) -> None:
    celery = [program("celery", "celery"), "--workdir", SCHEDULERS / "celery", "-A", "bell"]
    broker = {"CELERY_BROKER_URL": bells.environment["ISIN_REDIS_URL"], "BELL_SECONDS": "2"}
    beats = [[*celery, "beat", "-s", bells.folder / f"beat{number}"] for number in (1, 2)]
    bells.hold()
    async with (
        bells.process(*celery, "worker", "-c", "2", **broker) as worker,
        bells.process(*beats[0], **broker),
        bells.process(*beats[1], **broker),
    ):
        await bells.said(BUSY, times=3)  # of both Beats, then
        bells.let_go()
        await bells.done()
        await bells.said("succeeded before")
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 60) == 0
    await bells.one_run()


async def test_apscheduler_twice_is_one_run(bells: Bells) -> None:
    command = [program("apscheduler", "python"), SCHEDULERS / "apscheduler/bell.py"]
    bells.hold()
    async with (
        bells.process(*command, BELL_SECONDS="3600") as one,  # it rings at its start
        bells.process(*command, BELL_SECONDS="2") as other,
    ):
        await bells.said(BUSY)
        bells.let_go()
        await bells.done()
        await bells.said("succeeded before")
        for bell in (one, other):
            bell.terminate()
            assert await asyncio.wait_for(bell.wait(), 60) == 0
    await bells.one_run()


@pytest.mark.skipif(os.geteuid() != 0, reason="cron needs root, and a mount namespace of its own")
async def test_two_real_crons_are_one_run(bells: Bells) -> None:
    debian = unpacked("cron")
    if debian is None:
        pytest.skip("apt-get does not get Debian's cron on this machine")
    table = bells.placed("cron/isin-worker.cron").replace("*/15", "*").replace(" appraise ", " root ")
    (bells.folder / "table").write_text(table)
    machine = ["unshare", "--mount", "sh", "-ec", OWN_MACHINE, "sh", bells.folder / "table", debian / "usr/sbin/cron"]
    bells.hold()
    async with bells.process(*machine) as one, bells.process(*machine) as other:
        await bells.said(BUSY)  # both fire at the next full minute
        bells.let_go()
        await bells.done()
        assert (one.returncode, other.returncode) == (None, None)
    await bells.one_run()


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/lib/systemd/systemd").exists(), reason="there is no systemd, or nobody is root"
)
async def test_a_real_systemd_timer_beside_a_command_is_one_run(bells: Bells) -> None:
    units = bells.folder / ".config/systemd/user"
    units.mkdir(parents=True)
    for unit in ("isin-worker.service", "isin-worker.timer"):
        (units / unit).write_text(bells.placed(f"systemd/{unit}").replace("*:0/15", "*:*:0/5\nAccuracySec=1"))
    bells.hold()
    async with bells.process("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", OWN_SYSTEMD):
        async with asyncio.timeout(60):
            await bells.publisher.waiting.wait()
        async with bells.process("isin-worker", "reconcile") as another:
            assert await another.wait() == 75
        bells.let_go()
        await bells.done()
    await bells.one_run()


async def test_an_airflow_dag_fetches_the_day_of_its_run_and_again_does_nothing(bells: Bells) -> None:
    home = bells.folder / "airflow"
    shutil.copytree(SCHEDULERS / "airflow/dags", home / "dags")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    }
    airflow, today = program("airflow", "airflow"), str(datetime.now(UTC).date())

    async def run(*arguments: str) -> int:
        async with bells.process(airflow, *arguments, **settings) as process:
            return await asyncio.wait_for(process.wait(), 300)

    assert await run("db", "migrate") == 0
    bells.hold()
    async with (
        bells.process(airflow, "dags", "test", "isin_fetch", today, **settings) as first,
        asyncio.timeout(300),
    ):
        await bells.publisher.waiting.wait()
        async with bells.process("isin-worker", "reconcile") as another:  # somebody rings another bell meanwhile
            assert await another.wait() == 75
        bells.let_go()
        assert await first.wait() == 0
    await bells.one_run()
    assert await run("dags", "test", "isin_fetch", today) == 0
    assert "succeeded before" in bells.said_so_far()
    await bells.one_run()
    with sqlite3.connect(home / "airflow.db") as database:  # `dags test` ends with 0 whatever became of a task
        assert set(database.execute("SELECT state FROM task_instance")) == {("success",)}
    database.close()
