"""The server itself: whose it is, what it keeps, what it survives."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from local_stack.databases import ensure_databases
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import InitialisationFailed, Postgres
from local_stack.ports import free_ports

pytestmark = pytest.mark.integration
PASSWORD = "the superuser's own"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextmanager
def started(data: Path) -> Iterator[tuple[Postgres, psutil.Process]]:
    with Postgres(data, free_ports(1)[0], PASSWORD) as server:
        server.initialise()
        with running(server.launch()) as process:
            wait_until_ready(server.is_ready, process)
            yield server, psutil.Process(process.pid)


def query(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return in_a_loop(ask)


def in_a_loop(work: Callable[[], Awaitable[object]]) -> object:
    async def run() -> object:
        return await work()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder made once; the tests work on copies."""
    data = tmp_path_factory.mktemp("template") / "postgres"
    with Postgres(data, 1, PASSWORD) as server:
        assert server.initialise() is True
        assert server.initialise() is False
    return data


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "postgres")
    return tmp_path / "postgres"


def test_it_has_checksums_the_builtin_locale_and_asks_for_passwords(data: Path) -> None:
    with started(data) as (server, _):
        assert query(server.url(), "SHOW data_checksums") == "on"
        assert query(server.url(), "SHOW fsync") == "on"
        assert query(server.url(), "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
        assert query(server.url(), "SHOW listen_addresses") == "127.0.0.1"
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(server.url(password="a guess"), "SELECT 1")


def test_what_was_committed_survives_a_kill_of_the_server(data: Path) -> None:
    with started(data) as (server, process):
        query(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
        backends = process.children(recursive=True)
        process.kill()
        psutil.wait_procs(backends, timeout=5)
    with started(data) as (server, _):
        assert query(server.url(), "SELECT answer FROM kept") == 42


def test_it_shuts_down_fast_with_a_client_in_a_transaction(data: Path) -> None:
    with started(data) as (server, process):

        async def stop_under_a_client() -> None:
            connection = await asyncpg.connect(server.url())
            async with connection.transaction():
                await connection.execute("SELECT 1")
                process.send_signal(signal.SIGINT)
                process.wait(timeout=5)
                connection.terminate()

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            in_a_loop(stop_under_a_client)


@as_root
def test_under_root_it_runs_as_somebody_else_who_cannot_reach_the_folder(data: Path) -> None:
    assert data.parent.stat().st_mode & 0o077 == 0  # pytest's folders are closed to others, as /root is
    with started(data) as (_, process):
        assert {p.uids().effective for p in (process, *process.children(recursive=True))}.isdisjoint({0})
        groups = Path(f"/proc/{process.pid}/status").read_text().split("Groups:")[1].splitlines()[0]
        assert groups.strip() == ""


@as_root
def test_a_folder_that_root_put_back_is_given_to_postgres_again(data: Path) -> None:
    assert data.stat().st_uid == 0  # shutil.copytree, as root, as one restores a backup
    with started(data):
        assert data.stat().st_uid != 0


def test_a_cut_short_initialisation_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "data" / "base").mkdir(parents=True)
    with started(tmp_path / "postgres") as (server, _):
        assert query(server.url(), "SELECT 1") == 1
    assert not (tmp_path / "postgres.new").exists()


def test_a_failed_initialisation_says_why(small_disk: Path) -> None:
    with (
        Postgres(small_disk / "postgres", 1, PASSWORD) as server,
        pytest.raises(InitialisationFailed, match=r"FATAL:  could not|No space left on device"),
    ):
        server.initialise()
    assert not (small_disk / "postgres").exists()


def test_each_service_has_its_database_and_no_way_into_another(data: Path) -> None:
    with started(data) as (server, _):
        for _ in range(2):  # a second time changes nothing
            in_a_loop(lambda: ensure_databases(server.url(), {"auth": "a-secret", "rewards": "r-secret"}))
        assert query(server.url("auth", "auth", "a-secret"), "SELECT current_user") == "auth"
        assert query(server.url(), "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = 'auth'") is False
        for foreign in ("rewards", "postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                query(server.url(foreign, "auth", "a-secret"), "SELECT 1")
