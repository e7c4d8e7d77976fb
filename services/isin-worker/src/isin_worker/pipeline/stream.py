"""Reading in a thread, one step ahead of whoever takes what was read."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


async def ahead(items: Iterator[_Item]) -> AsyncGenerator[_Item]:
    """The items. While one is being used the next is made, so that there are never more than two."""
    coming = asyncio.ensure_future(asyncio.to_thread(next, items, None))
    try:
        while (item := await asyncio.shield(coming)) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, items, None))
            yield item
    finally:
        # A thread can't be stopped, and what it reads from is about to be deleted.
        await asyncio.wait({coming})
        coming.exception()
