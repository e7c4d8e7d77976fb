"""Untrusted files in, clean pictures out: one short-lived child process for each, and few at a time."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any, BinaryIO

from media import errors
from media.picture import Picture, Rules
from media.sandbox import Limits, arguments

_STOPPED = {-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}  # whoever stops a service may tell its children too
_HEADER_ROOM = 1024 * 1024  # the header and the thumbnail, beside the picture


class PictureProcessor:
    """Makes clean pictures. One for each process; at most ``concurrency`` (default: one for each core) at a time.

    A child for each picture costs 0.1 s of start, and what a hostile file may do to it ends with it.
    """

    def __init__(
        self, rules: Rules | None = None, limits: Limits | None = None, concurrency: int | None = None
    ) -> None:
        self._rules = rules or Rules()
        self._limits = limits or Limits()
        self._free = asyncio.Semaphore(concurrency or os.cpu_count() or 1)

    async def process(self, file: BinaryIO) -> Picture:
        """The picture in ``file``, which is a real file (it has a descriptor), read from its start.

        Raises:
            PictureError: one of its leaves; what can't be decoded within the limits is Undecodable.
            Overloaded: the machine has no time for it, or it is being stopped.
        """
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._free.acquire()
        except TimeoutError as error:
            raise errors.Overloaded(f"no turn after {self._limits.queue} s") from error
        try:
            return _picture(await self._run(file))
        finally:
            self._free.release()

    async def _run(self, file: BinaryIO) -> bytes:
        file.seek(0)
        child = await asyncio.create_subprocess_exec(
            *arguments(os.getpid(), self._limits, self._rules),
            stdin=file.fileno(),
            stdout=PIPE,
            stderr=DEVNULL,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
        )
        try:
            async with asyncio.timeout(self._limits.patience):
                output = await _read(child, self._rules.max_encoded + _HEADER_ROOM)
                # Killing one that has just ended would take its exit code from asyncio, which then complains.
                await child.wait()
        except TimeoutError as error:
            # One that computes too much is ended by its limit of processor time: this one got none.
            raise errors.Overloaded(f"no picture after {self._limits.patience} s") from error
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        if child.returncode in _STOPPED:
            raise errors.Overloaded("the child was stopped from outside")
        return output


async def _read(child: Process, most: int) -> bytes:
    assert child.stdout is not None  # noqa: S101 - PIPE was asked for
    output = bytearray()
    while chunk := await child.stdout.read(1 << 20):
        output += chunk
        if len(output) > most:
            raise errors.TooLarge("The picture has too much detail.")
    return bytes(output)


def _picture(output: bytes) -> Picture:
    head, _, rest = output.partition(b"\n")
    try:
        header: dict[str, Any] = json.loads(head)
    except ValueError as error:  # it was killed by a limit, or crashed
        raise errors.Undecodable("The picture can't be decoded within the limits.") from error
    if "error" in header:
        raise getattr(errors, header["error"])(header["detail"])
    content, thumbnail = rest[: header["content"]], rest[header["content"] :]
    if len(thumbnail) != header["thumbnail"]:
        raise errors.Undecodable("The picture can't be decoded within the limits.")
    about = {name: header[name] for name in ("width", "height", "pixels_sha256", "dhash")}
    return Picture(content, thumbnail, **about)
