"""``make compose-test``: the stack of containers, built, started, used, backed up, restored, rolled, killed.

In this order, each test going on where the one before it stopped: a start takes minutes.
"""

import asyncio
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from composed import COMPOSE, URLS, Composed
from constant_load import Load, constant_load
from running_platform import ADMIN, eventually

ROOT = Path(__file__).parents[2]
JOURNEYS = ("tests/e2e/test_main_job.py",)
VALKEY = ("exec", "-T", "valkey", "sh", "-c", 'REDISCLI_AUTH="$(cat /run/secrets/valkey_password)" valkey-cli flushall')
LOSS = "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION rewards"
REPLICATED = ("auth", "catalog", "rewards", "isin", "web", "gateway")

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    composed = Composed(tmp_path_factory.mktemp("composed"))
    began = time.monotonic()
    composed.build()
    say(f"built in {time.monotonic() - began:.0f} s\n{composed.sizes()}")
    try:
        say(f"healthy after {composed.up():.0f} s")
        composed.make_reviewer()
        yield composed
    finally:
        composed.down()


def say(text: str) -> None:
    """A figure for whoever reads the log."""
    sys.stderr.write(f"compose-test: {text.rstrip()}\n")


def test_the_journeys_pass_with_two_replicas_of_everything(stack: Composed) -> None:
    assert {service: len(stack.containers(service)) for service in REPLICATED} == dict.fromkeys(REPLICATED, 2)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *JOURNEYS)
    for url in URLS:  # through each gateway
        environment = {
            **stack.env,
            "APPRAISE_E2E_URL": url,
            "APPRAISE_E2E_EMPTY_VALKEY": shlex.join([*COMPOSE, *VALKEY]),
        }
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_a_backup_brings_back_what_was_lost_and_the_ledger_holds(stack: Composed) -> None:
    stack.compose("exec", "-T", "rewards", "service", "seal")  # the worker would, sometime within the minute
    before = stack.ledger()
    name = stack.compose("run", "--rm", "backup").split()[-1]
    serving = ("rewards", "rewards-worker", "catalog", "auth", "isin", "isin-worker")
    stack.compose("stop", *serving)
    psql = 'PGPASSWORD="$(cat /run/secrets/postgres_password)" psql -h 127.0.0.1 -U postgres -d rewards'
    stack.compose("exec", "-T", "postgres", "sh", "-c", f"{psql} --command '{LOSS}'")
    began = time.monotonic()
    stack.compose("run", "--rm", "backup", "restore", name)
    say(f"restored in {time.monotonic() - began:.1f} s")
    stack.up()
    after = stack.ledger()
    assert after == before
    assert [one.name for one in (stack.folder / "backups").iterdir()] == [name]


def test_prometheus_finds_every_replica_and_can_ask_all_that_our_rules_ask(stack: Composed) -> None:
    if not stack.can_have("prometheus"):
        pytest.skip("its image is not here, and no registry has it for us; APPRAISE_PROMETHEUS names another")
    stack.compose("--profile", "observability", "up", "--detach", "--no-deps", "prometheus")

    def healths() -> Counter[str]:
        return Counter(
            target["labels"]["job"]
            for target in stack.prometheus("targets?state=active")["activeTargets"]
            if target["health"] == "up"
        )

    watched = {"gateway": 2, "auth": 2, "catalog": 2, "rewards": 2, "isin": 2}
    assert eventually(lambda: healths() == watched, seconds=180)

    def rules() -> list[dict[str, str]]:
        groups = stack.prometheus("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    assert eventually(lambda: {rule["health"] for rule in rules()} == {"ok"}, seconds=180)
    ringing = {rule["name"] for rule in rules() if rule.get("state") == "firing"}
    say(f"Prometheus: {len(rules())} rules, all evaluated; ringing: {ringing or 'none'}")
    assert not ringing & {"LedgerMismatch", "GatewayGone", "NobodyWatches", "NotMeasured", "ReplicaLeftAlone"}


def under_load(work: Callable[[], object]) -> Load:
    """Do something in another thread while the load goes on."""

    async def run() -> Load:
        async with constant_load(URLS, ADMIN) as load:
            await asyncio.to_thread(work)
        return load

    return asyncio.run(run())


@pytest.mark.parametrize("service", [*REPLICATED, "rewards-worker", "isin-worker"])
def test_a_service_is_replaced_under_load_without_one_failed_request(stack: Composed, service: str) -> None:
    before = stack.containers(service)
    load = under_load(lambda: stack.roll(service))
    say(f"{service} replaced: {load.total} requests, {len(load.failures)} failed, slowest {load.slowest:.2f} s")
    assert load.failures == []
    assert min(load.answers.values()) > 0
    assert not set(before) & set(stack.containers(service))


def test_a_killed_replica_is_missed_by_nobody_for_long(stack: Composed) -> None:
    def kill_one_of_each() -> None:
        for service in REPLICATED[:-1]:
            victim = stack.containers(service)[0]
            stack.run("docker", "kill", victim)
            time.sleep(3)  # the load goes on with one
            stack.run("docker", "start", victim)
            eventually(partial(stack.is_healthy, victim), seconds=120)

    load = under_load(kill_one_of_each)
    say(f"one of each killed: {load.total} requests, {len(load.failures)} failed, slowest {load.slowest:.2f} s")
    for failure in load.failures:
        say(failure)
    assert len(load.failures) <= load.total * 0.01
    assert eventually(lambda: httpx.get(f"{URLS[0]}/readyz").status_code == 200, seconds=60)
