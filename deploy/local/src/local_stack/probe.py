"""Whether something answers, asked with the least: an HTTP client takes 0.2 s to import."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

_EVERY_S = 0.05


async def answers_ok(url: str) -> bool:
    """Whether `GET url` answers 200 within two seconds."""
    address = urlsplit(url)
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                writer.write(
                    f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode()
                )
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, ValueError):  # ValueError: no line within the reader's limit
        return False


async def wait_until(is_ready: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Asks again and again; False when the time is over."""
    patient_until = time.monotonic() + within_s
    while not await is_ready():
        if time.monotonic() > patient_until:
            return False
        await asyncio.sleep(_EVERY_S)
    return True
