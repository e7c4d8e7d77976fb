"""The platform as a thing to start, to stop and to break."""

import os
import pty
import re
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from running_platform import ADMIN, Account, Platform, eventually, free_port, new_account

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("own-platform")]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform of the test's own, started and ready, without demo data."""
    platform = Platform(tmp_path / "var", extra_env={"APPRAISE_DEMO": "0"})
    yield platform.launch().wait_ready()
    if platform.process and platform.process.poll() is None:
        platform.stop()


def _nothing_left_of(pids: dict[int, str]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def _refused(platform: Platform) -> str:
    """The one line that a start that can't be says."""
    process = platform.launch().process
    assert process is not None
    assert process.wait(20) not in (0, None)
    lines = [line for line in platform.log.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


def test_data_survives_a_restart_and_a_stop_is_clean(own: Platform) -> None:
    address = f"fay-{secrets.token_hex(4)}@example.org"
    new_account(own, address, "a long enough password")
    everything = own.processes()
    started = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - started < 10
    assert _nothing_left_of(everything)

    own.launch().wait_ready()
    me = Account(own.url).sign_in(address, "a long enough password").get("/api/v1/users/me").json()
    assert (me["email"], me["email_verified"]) == (address, True)


def test_a_second_start_and_a_taken_port_are_one_clear_line_each(own: Platform, tmp_path: Path) -> None:
    second = Platform(tmp_path / "other-log" / "var", port=free_port())
    second.var.parent.mkdir()
    same_folder = Platform(second.var, port=second.port, extra_env={"APPRAISE_VAR": str(own.var)})
    assert "already" in _refused(same_folder)

    taken = Platform(tmp_path / "third", port=own.port)
    assert str(own.port) in _refused(taken)
    assert own.is_ready()


def test_each_process_that_dies_is_seen_told_and_started_again(own: Platform) -> None:
    names = set(re.findall(r"^([a-z-]+) +\|", own.log, re.MULTILINE)) - {"appraise", "stack", "local"}
    assert names >= {"auth", "catalog", "rewards", "isin", "web", "gateway", "worker", "sweeper", "postgres", "valkey"}
    victims = {pid: line for pid, line in own.processes().items() if psutil.Process(pid).ppid() == own.pid}
    for pid, line in victims.items():
        before = len(own.log)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda start=before: "signal 9" in own.log[start:])  # type: ignore[misc]  # mypy can't infer defaults
        eventually(own.is_ready, seconds=60)
        assert own.process is not None
        assert own.process.poll() is None, line
    assert Account(own.url).sign_in(*ADMIN).get("/api/v1/points/verify").json()["ok"] is True


def test_kill_9_of_the_supervisor_leaves_no_process_and_no_damage(own: Platform) -> None:
    everything = own.processes()
    assert len(everything) > 9
    os.kill(own.pid, signal.SIGKILL)
    assert own.process is not None
    own.process.wait(5)
    eventually(lambda: _nothing_left_of(everything), seconds=10)

    own.launch().wait_ready()
    assert Account(own.url).sign_in(*ADMIN).get("/api/v1/users/me").status_code == 200


def test_ctrl_c_in_a_terminal_ends_make_run_with_exit_code_0(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "var", extra_env={"APPRAISE_DEMO": "0"})
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=ROOT,
        env=platform.environment(),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - only fork can give a child its terminal
    )
    os.close(follower)
    seen = _read_until(leader, f"ready {platform.url}".encode(), seconds=120)
    os.write(leader, b"\x03")
    started = time.monotonic()
    seen += _read_until(leader, None, seconds=15)
    assert process.wait(15) == 0, seen[-2000:].decode(errors="replace")
    assert time.monotonic() - started < 10


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(terminal: int, text: bytes | None, *, seconds: float) -> bytes:
    """What the terminal shows until ``text`` is seen (or, for None, until it is closed)."""
    seen, deadline = b"", time.monotonic() + seconds
    while text is None or text not in seen:
        assert time.monotonic() < deadline, seen[-2000:].decode(errors="replace")
        readable, _, _ = select.select([terminal], [], [], 0.5)
        if readable:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the last process that held the terminal has gone
                return seen
            seen += chunk
    return seen


def test_a_python_that_is_too_old_is_one_clear_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.18 && exit 0\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "copy").mkdir()
    for name in ("Makefile", "requirements.lock"):
        (tmp_path / "copy" / name).write_bytes((ROOT / name).read_bytes())
    for member in re.findall(r"\S+", (ROOT / "Makefile").read_text().split("MEMBERS := ")[1].splitlines()[0]):
        (tmp_path / "copy" / member).mkdir(parents=True)
        (tmp_path / "copy" / member / "pyproject.toml").write_text("")
    command = ["make", "run", f"PYTHON={old}"]
    refused = subprocess.run(command, cwd=tmp_path / "copy", capture_output=True, text=True, check=False, timeout=20)
    assert refused.returncode != 0
    assert refused.stdout == ""
    lines = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    assert lines == [f"Appraise needs Python 3.11 or newer; {old} is Python 3.9.18."]
