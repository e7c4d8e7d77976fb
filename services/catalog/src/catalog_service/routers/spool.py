"""A body that is too large for memory: straight to a file without a name, and capped."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

import anyio.to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from servicekit.problems import BadRequest, ContentTooLarge

CHUNK = 1024 * 1024


@asynccontextmanager
async def received(request: Request, most: int) -> AsyncIterator[BinaryIO]:
    """The body as a file, which is closed and gone at the end. Raises ContentTooLarge beyond ``most`` bytes."""
    with tempfile.TemporaryFile() as file:
        await receive(request, file, most)
        yield file


async def receive(request: Request, file: BinaryIO, most: int) -> int:
    """Write the body to ``file`` and say how long it is. Raises ContentTooLarge beyond ``most`` bytes."""
    size, waiting = 0, bytearray()
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise ContentTooLarge(f"The body may have at most {most} bytes.")
            waiting += chunk
            if len(waiting) >= CHUNK:
                await anyio.to_thread.run_sync(file.write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect as error:
        raise BadRequest("The connection ended before the body did.") from error
    await anyio.to_thread.run_sync(file.write, bytes(waiting))
    file.seek(0)
    return size
