"""The child process: what comes back through it, and what it can't do."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image

from media.errors import Overloaded, TooLarge, TooSmall, Undecodable, UnknownFormat
from media.picture import Rules
from media.processor import PictureProcessor
from media.sandbox import Limits

AsFile = Callable[[bytes], BinaryIO]


def png(width: int = 360, height: int = 640, mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, (width, height)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def processor() -> PictureProcessor:
    return PictureProcessor()


async def test_a_picture_goes_through_the_child(processor: PictureProcessor, as_file: AsFile) -> None:
    picture = await processor.process(as_file(png()))
    assert (picture.width, picture.height) == (360, 640)
    assert Image.open(io.BytesIO(picture.content)).size == (360, 640)
    assert Image.open(io.BytesIO(picture.thumbnail)).size == (270, 480)


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", UnknownFormat), (png(5, 5), TooSmall), (b"\x89PNG\r\n\x1a\n" + bytes(99), Undecodable)],
    ids=["empty", "small", "damaged"],
)
async def test_the_reason_of_a_refusal_comes_back(
    processor: PictureProcessor, as_file: AsFile, content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await processor.process(as_file(content))


async def test_a_child_that_never_answers_is_killed(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
    monkeypatch.setattr("media.processor.arguments", lambda *_: sleeper)
    with pytest.raises(Overloaded):
        await PictureProcessor(limits=Limits(patience=1)).process(as_file(b""))
    assert _children() == []


async def test_a_child_that_computes_too_long_is_ended(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = "import os; from media import sandbox; sandbox._confine(os.getppid(), sandbox.Limits(seconds=1))\nwhile 1: 0"
    monkeypatch.setattr("media.processor.arguments", lambda *_: [sys.executable, "-c", busy])
    with pytest.raises(Undecodable, match="within the limits"):
        await PictureProcessor().process(as_file(b""))


async def test_a_cancelled_request_leaves_no_child(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.processor.arguments", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(PictureProcessor().process(as_file(b"")), 0.3)
    assert _children() == []


async def test_a_child_without_enough_memory_refuses(as_file: AsFile) -> None:
    processor = PictureProcessor(limits=Limits(memory=160 * 1024 * 1024))
    with pytest.raises((TooLarge, Undecodable)):
        await processor.process(as_file(png(5000, 5000)))


async def test_a_file_beyond_the_limit_is_refused(as_file: AsFile) -> None:
    with pytest.raises(TooLarge):
        await PictureProcessor(limits=Limits(max_input=100)).process(as_file(png()))


async def test_a_picture_whose_turn_does_not_come_is_given_up(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.processor.arguments", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    processor = PictureProcessor(limits=Limits(queue=0), concurrency=1)
    first, second = (asyncio.create_task(processor.process(as_file(b""))) for _ in range(2))
    with pytest.raises(Overloaded, match="turn"):
        await second
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    monkeypatch.undo()
    assert (await processor.process(as_file(png()))).width == 360


async def test_a_child_that_is_killed_is_an_answer_like_any_other(
    as_file: AsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    monkeypatch.setattr("media.processor.arguments", lambda *_: dying)
    with pytest.raises(Undecodable, match="within the limits"):
        await PictureProcessor().process(as_file(png()))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_child_that_is_stopped_with_its_service_says_nothing_of_the_picture(
    as_file: AsFile, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    by = int(stop)  # which may have been ignored by whoever started the tests
    stopped = [
        sys.executable,
        "-c",
        f"import os, signal; signal.signal({by}, signal.SIG_DFL); os.kill(os.getpid(), {by})",
    ]
    monkeypatch.setattr("media.processor.arguments", lambda *_: stopped)
    with pytest.raises(Overloaded):
        await PictureProcessor().process(as_file(png()))


async def test_few_children_run_at_a_time(as_file: AsFile) -> None:
    processor = PictureProcessor(concurrency=2)
    work = asyncio.gather(*(processor.process(as_file(png())) for _ in range(8)))
    most = 0
    while not work.done():
        most = max(most, len(_children()))
        await asyncio.sleep(0.002)
    assert len(await work) == 8
    assert 1 <= most <= 2


# A small process between, as a child's peak counts that of the process which started it, and ours has seen much.
_MEASURE = """
import os, resource, subprocess, sys
from media.picture import Rules
from media.sandbox import Limits, arguments
subprocess.run(arguments(os.getpid(), Limits(), Rules()), env={})
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def _run(content: bytes) -> tuple[bytes, int]:
    """What a child answers, and the most memory that it had, in MB."""
    ran = subprocess.run([sys.executable, "-c", _MEASURE], input=content, capture_output=True, check=True)
    return ran.stdout, int(ran.stderr) // 1024


def test_a_bomb_costs_little_memory(bomb: bytes) -> None:
    answer, memory = _run(bomb)
    assert b"TooLarge" in answer
    assert memory < 60, memory


def test_a_bomb_without_a_fault_costs_little_memory(whole_bomb: bytes) -> None:
    assert 470_000 < len(whole_bomb) < 500_000
    answer, memory = _run(whole_bomb)
    assert b"TooLarge" in answer
    assert memory < 60, memory


def test_a_bomb_beside_the_pixels_costs_little_memory(chunk_bomb: bytes) -> None:
    answer, memory = _run(chunk_bomb)
    assert answer.startswith((b'{"error": "Undecodable"', b'{"content"'))
    assert memory < 120, memory


def test_the_largest_picture_stays_within_the_limits() -> None:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGBA", (5000, 5000), (1, 2, 3, 4)).save(content, "PNG", exif=exif)
    answer, memory = _run(content.getvalue())
    assert b'"width": 5000' in answer.partition(b"\n")[0]
    assert memory < 350, memory


@pytest.mark.skipif(sys.platform != "linux", reason="the signal on a parent's death is Linux's")
def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    script = """
import os, signal, subprocess
from media.picture import Rules
from media.sandbox import Limits, arguments
child = subprocess.Popen(arguments(os.getpid(), Limits(), Rules()))
print(child.pid, flush=True)
signal.pause()
"""
    # The child reads from the pipe that we hold, so the end of its input can't be what ends it.
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        _wait(lambda: "media.sandbox" in _command(child) and _limited(child))
        parent.send_signal(signal.SIGKILL)
        _wait(lambda: not _alive(child))


async def test_the_child_sees_nothing_of_our_environment(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_SECRET", "x")
    told = [
        sys.executable,
        "-c",
        "import json, os; print(json.dumps({'error': 'TooSmall', 'detail': str(sorted(os.environ))}))",
    ]
    monkeypatch.setattr("media.processor.arguments", lambda *_: told)
    with pytest.raises(TooSmall) as refused:
        await PictureProcessor().process(as_file(b""))
    assert "CANARY" not in str(refused.value)


async def test_a_child_that_answers_too_much_is_cut(as_file: AsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "media.processor.arguments", lambda *_: [sys.executable, "-c", "while True: print('x' * 100000)"]
    )
    processor = PictureProcessor(replace(Rules(), max_encoded=1000))
    with pytest.raises(TooLarge):
        await processor.process(as_file(b""))


def _children() -> list[str]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [pid for pid in path.read_text().split() if _alive(int(pid))]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def _limited(pid: int) -> bool:
    return str(Limits().memory) in Path(f"/proc/{pid}/limits").read_text()


def _wait(condition: Callable[[], Any]) -> None:
    patient_until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < patient_until
        time.sleep(0.01)
