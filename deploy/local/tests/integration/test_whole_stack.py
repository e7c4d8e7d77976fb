"""`local-stack run` as its user meets it, with fake services behind real stores."""

import os
import signal
from pathlib import Path

import psutil
import pytest
from running_stack import StartStack

from local_stack.ports import is_free

pytestmark = pytest.mark.integration

BACK = {
    "postgres": "database system is ready to accept connections",
    "valkey": "Ready to accept connections",
    "auth": "auth      | serve as",
    "gateway": "gateway   | serve as",
}


def test_the_first_start_makes_and_prints_what_later_starts_find(start_stack: StartStack) -> None:
    first = start_stack()
    first.wait_for("ready http://127.0.0.1:")
    password = first.wait_for("  Admin     admin@example.com  ").split()[-1]
    assert len(password) >= 20
    assert first.end() == 0
    assert first.said("auth      | migrating")
    assert first.said("--email admin@example.com --name Admin --role admin --role reviewer")
    assert first.said("gateway   | published org.fdroid.fdroid")

    second = start_stack()
    second.wait_for("accounts as printed at the first start")
    assert second.end() == 0
    assert not second.said("migrating")
    assert not second.said("| account")
    assert not second.said("published")
    assert not second.said(password)


def test_a_changed_password_in_the_environment_is_set_again(start_stack: StartStack) -> None:
    first = start_stack(APPRAISE_DEMO="0")
    first.wait_for("ready http://")
    first.end()
    second = start_stack(APPRAISE_DEMO="0", APPRAISE_ADMIN_PASSWORD="chosen by the owner")
    second.wait_for("Admin     admin@example.com  the password you gave")
    second.end()
    assert second.said("password of 19 characters")
    assert not second.said("chosen by the owner")
    assert not second.said("published")


def test_new_migrations_run_at_the_next_start(start_stack: StartStack, tmp_path: Path) -> None:
    first = start_stack(APPRAISE_DEMO="0")
    first.wait_for("ready http://")
    first.end()
    (tmp_path / "fakes" / "catalog_service" / "migrations" / "second.py").touch()
    second = start_stack(APPRAISE_DEMO="0")
    second.wait_for("ready http://")
    second.end()
    assert second.said("catalog   | migrating")
    assert not second.said("auth      | migrating")


def test_a_failed_migration_ends_the_start_with_one_line(start_stack: StartStack) -> None:
    stack = start_stack(FAKE_MIGRATE_rewards_service="3")
    assert stack.ended() == 1
    assert stack.said("local-stack: the migration of rewards failed with code 3; its reason is above")
    assert not stack.said("Traceback")


def test_a_part_that_never_comes_up_ends_the_start_with_one_line(start_stack: StartStack) -> None:
    stack = start_stack(FAKE_BROKEN="catalog_service")
    assert stack.ended() == 1
    assert stack.said("stack     | catalog exited with code 78, restarting in 1 s")
    assert stack.lines[-1] == "local-stack: catalog keeps ending; its reason is above"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_in_order(start_stack: StartStack, how: signal.Signals) -> None:
    stack = start_stack()
    stack.wait_for("ready http://")
    left = stack.descendants()
    assert stack.end(how) == 0
    assert not [process for process in left if process.is_running()]
    told = [line.split("|")[0].strip() for line in stack.lines if "ended when asked" in line]
    assert told[0] == "gateway"
    assert set(told[1:]) == {"auth", "catalog", "rewards", "isin", "web", "worker", "sweeper"}
    shut_down = next(number for number, line in enumerate(stack.lines) if "database system is shut down" in line)
    assert shut_down > max(number for number, line in enumerate(stack.lines) if "ended when asked" in line)


def test_a_signal_during_the_start_ends_it_well(start_stack: StartStack) -> None:
    stack = start_stack()
    stack.wait_for("| migrating")
    assert stack.end() == 0
    assert not stack.said("ready http://")


def test_killed_it_leaves_no_process_behind(start_stack: StartStack) -> None:
    stack = start_stack(FAKE_GRANDCHILD="rewards_service")
    stack.wait_for("ready http://")
    left = stack.descendants()
    assert {"postgres", "valkey-server", "sleep"} <= {process.name() for process in left}
    assert stack.end(signal.SIGKILL) == -signal.SIGKILL
    _, alive = psutil.wait_procs(left, timeout=5)
    assert not alive

    again = start_stack()
    again.wait_for("ready http://")
    assert again.end() == 0


@pytest.mark.parametrize("part", ["auth", "worker", "sweeper", "demo-feed", "gateway", "valkey", "postgres"])
def test_the_crash_of_any_part_is_told_and_repaired(start_stack: StartStack, part: str) -> None:
    stack = start_stack()
    stack.wait_for("ready http://")
    _process_of(part, stack.descendants()).kill()
    stack.wait_for(f"stack     | {part} exited with signal 9, restarting in 0.5 s")
    stack.wait_for(BACK.get(part, f"{part:<10}| "), times=2)
    assert stack.end() == 0


def test_the_crash_of_the_guard_is_told_and_repaired(start_stack: StartStack) -> None:
    stack = start_stack(FAKE_GRANDCHILD="rewards_service")
    stack.wait_for("ready http://")
    left = stack.descendants()
    guard = next(process for process in left if "end_orphans" in " ".join(process.cmdline()))
    guard.kill()
    stack.wait_for("guard exited with signal 9, restarted")
    left.extend(stack.descendants())
    stack.end(signal.SIGKILL)
    _, alive = psutil.wait_procs(left, timeout=5)
    assert not alive


def test_a_second_run_on_the_same_folder_is_refused(start_stack: StartStack) -> None:
    first = start_stack()
    first.wait_for("ready http://")
    second = start_stack()
    assert second.ended() == 1
    assert len(second.lines) == 1
    assert f"(process {first.process.pid}); stop it first" in second.lines[0]
    assert first.end() == 0


def test_every_part_sees_its_own_settings_alone(start_stack: StartStack) -> None:
    stack = start_stack(APPRAISE_ADMIN_PASSWORD="a password of the owner", AUTH_SMTP_URL="smtp://mail.example.com")
    stack.wait_for("ready http://")
    stack.end()
    catalog = next(line for line in stack.lines if line.startswith("catalog   | knows"))
    assert "CATALOG_DATABASE_URL" in catalog
    assert not {"AUTH_SMTP_URL", "AUTH_SIGNING_KEY_SECRET", "APPRAISE_ADMIN_PASSWORD"} & set(catalog.split())
    auth = next(line for line in stack.lines if line.startswith("auth      | knows"))
    assert "AUTH_SMTP_URL" in auth.split()


def test_outside_servers_replace_the_embedded_ones(start_stack: StartStack) -> None:
    outside = os.environ["APPRAISE_TEST_POSTGRES_URL"]
    databases = {f"{name}_DATABASE_URL": outside for name in ("AUTH", "CATALOG", "REWARDS", "ISIN")}
    caches = {f"{name}_REDIS_URL": os.environ["APPRAISE_TEST_VALKEY_URL"] for name in ("ISIN", "REWARDS", "WEB")}
    stack = start_stack(**databases, **caches)
    stack.wait_for("ready http://")
    assert not {"postgres", "valkey-server"} & {process.name() for process in stack.descendants()}
    assert stack.end() == 0


def test_the_addresses_of_the_running_stack_are_in_files_only_the_owner_reads(
    start_stack: StartStack, tmp_path: Path
) -> None:
    stack = start_stack()
    stack.wait_for("ready http://")
    file = tmp_path / "var" / "run" / "isin.env"
    assert file.stat().st_mode & 0o077 == 0
    assert "ISIN_DATABASE_URL='postgresql://isin:" in file.read_text()
    stack.end()
    assert not file.exists()


def test_the_port_is_free_again_after_the_end(start_stack: StartStack, stack_environment: dict[str, str]) -> None:
    stack = start_stack()
    stack.wait_for("ready http://")
    port = int(stack_environment["APPRAISE_PORT"])
    assert not is_free(port)
    stack.end()
    assert is_free(port)


def _process_of(part: str, processes: list[psutil.Process]) -> psutil.Process:
    words = {
        "auth": "auth_service serve",
        "worker": "isin_worker worker",
        "sweeper": "rewards_service worker",
        "demo-feed": "local_stack demo-feed",
        "gateway": "gateway serve",
        "valkey": "valkey-server",
        "postgres": "bin/postgres -D",
    }[part]
    return next(process for process in processes if words in " ".join(process.cmdline()))
