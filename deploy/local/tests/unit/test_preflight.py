"""What stops a start before anything runs: one clear line, no traceback."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from running_stack import StartStack

from local_stack import preflight
from local_stack.ports import free_ports
from local_stack.preflight import CannotStart
from local_stack.settings import BadSetting, Settings


def refusal(start_stack: StartStack, **environment: str) -> str:
    """The one line of a start that did not happen."""
    stack = start_stack(**environment)
    assert stack.ended() == 1
    assert len(stack.lines) == 1, stack.lines
    return stack.lines[0].removeprefix("local-stack: ")


def test_a_port_in_use(start_stack: StartStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(start_stack, APPRAISE_PORT=str(port)) == (
            f"port {port} is in use; APPRAISE_PORT names another one"
        )


def test_a_full_disk(start_stack: StartStack, small_disk: Path) -> None:
    said = refusal(start_stack, APPRAISE_VAR=str(small_disk / "var"))
    assert said == f"the disk of {small_disk}/var is full: 19 MB free, at least 200 MB are needed"


def test_a_nearly_full_disk_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=preflight.NEEDED_BYTES - 1))
    with pytest.raises(CannotStart, match="199 MB free"):
        preflight.check_space(tmp_path)


def test_a_folder_that_cannot_be_written(start_stack: StartStack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    said = refusal(start_stack, APPRAISE_VAR=str(tmp_path / "file" / "var"))
    assert said == f"{tmp_path}/file/var cannot be written: Not a directory; APPRAISE_VAR names another folder"


def test_a_folder_of_somebody_else(start_stack: StartStack, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    said = refusal(start_stack, APPRAISE_VAR=str(small_disk / "var"))
    assert said == f"{small_disk}/var cannot be written: Read-only file system; APPRAISE_VAR names another folder"


def test_a_data_folder_whose_password_is_gone(start_stack: StartStack, tmp_path: Path) -> None:
    (tmp_path / "var" / "postgres").mkdir(parents=True)
    (tmp_path / "var" / "postgres" / "PG_VERSION").write_text("18\n")
    assert refusal(start_stack).endswith(f"its password in {tmp_path}/var/secrets is gone; put it back")


def test_a_data_folder_of_another_postgres(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match="made by PostgreSQL 17; this is PostgreSQL 18"):
        preflight.check_data(tmp_path, password_known=True)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("APPRAISE_PORT", "eighty", "APPRAISE_PORT must be a port from 1 to 65535, not 'eighty'"),
        ("APPRAISE_PORT", "65536", "APPRAISE_PORT must be a port from 1 to 65535, not '65536'"),
        ("APPRAISE_PORT", "٨٠٨٠", "APPRAISE_PORT must be a port from 1 to 65535, not '٨٠٨٠'"),
        ("APPRAISE_DEMO", "maybe", "APPRAISE_DEMO must be 1, 0, on or off, not 'maybe'"),
        ("APPRAISE_RATE_LIMITS", "2", "APPRAISE_RATE_LIMITS must be 1, 0, on or off, not '2'"),
    ],
)
def test_a_value_that_cannot_be_used(name: str, value: str, complaint: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read({name: value})
    assert str(refused.value) == complaint


def test_an_empty_environment_is_enough() -> None:
    settings = Settings.read({})
    assert (settings.port, settings.var, settings.demo, settings.rate_limits) == (8000, Path.cwd() / "var", True, True)
    assert [account.email for account in settings.accounts] == [
        "admin@example.com",
        "reviewer@example.com",
        "user@example.com",
    ]


def test_empty_variables_are_as_good_as_none() -> None:
    assert Settings.read({"APPRAISE_PORT": "", "APPRAISE_DEMO": "", "APPRAISE_VAR": ""}) == Settings.read({})


def test_the_lock_is_free_again_after_a_run(tmp_path: Path) -> None:
    settings = Settings.read({"APPRAISE_VAR": str(tmp_path), "APPRAISE_PORT": str(free_ports(1)[0])})
    for _ in range(2):
        with preflight.sole_run(settings):
            assert (tmp_path / "run" / "lock").read_text() == f"{os.getpid()}\n"
            with pytest.raises(CannotStart, match="already runs"), preflight.sole_run(settings):
                pass
