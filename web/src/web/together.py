"""Several calls of the API at the same time, for one page."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def together(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...


@overload
async def together(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...


@overload
async def together(*calls: Awaitable[Any]) -> tuple[Any, ...]: ...


async def together(*calls: Awaitable[Any]) -> tuple[Any, ...]:
    """Their answers. Raises the first failure, but not before all are done: none goes on behind a finished page."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return tuple(answers)
