"""A request that is sent again gets the first answer again, and has no second effect.

The answer is kept in the transaction of its effect: both are there, or neither. What fails keeps nothing and may be
tried again with the same key. What must never happen twice whatever the key (a task, a credit) has a constraint of its
own.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.errors import IdempotencyKeyInProgress, IdempotencyKeyReused
from rewards_service.repositories.idempotency import IdempotencyRepository, Kept
from servicekit.db import Database


@dataclass(frozen=True, slots=True)
class Call:
    """A request under its key. Two with the same key and another fingerprint are not the same request."""

    user_id: UUID
    route: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, user_id: UUID, route: str, key: str, *, path: str, content: bytes) -> Self:
        """A POST of ``content`` to ``path``."""
        return cls(user_id, route, key, hashlib.sha256(f"POST {path}\n".encode() + content).hexdigest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    status: int
    body: str
    location: str | None
    replayed: bool = False

    @classmethod
    def of(cls, status: int, body: BaseModel, *, location: str | None = None) -> Self:
        """A new answer."""
        return cls(status, body.model_dump_json(), location)


class Once:
    """Lets each call have its effect once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, call: Call) -> Answer | None:
        """The answer that the call has got already. Raises IdempotencyKeyReused."""
        async with self._database.transaction() as session:
            return await _find(IdempotencyRepository(session), call)

    async def used(self, user_id: UUID, route: str, key: str) -> bool:
        """Whether there is an answer under the key, for whatever content."""
        async with self._database.transaction() as session:
            return await IdempotencyRepository(session).find(user_id, route, key) is not None

    async def run(self, call: Call, effect: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
        """The answer of ``effect``, run in a transaction of its own, or the one that it gave the first time.

        Raises:
            IdempotencyKeyInProgress: another request with the key is at it.
            IdempotencyKeyReused: the key was used for another request.
        """
        async with self._database.transaction() as session:
            kept = IdempotencyRepository(session)
            if not await kept.try_lock(call.user_id, call.route, call.key):
                raise IdempotencyKeyInProgress
            known = await _find(kept, call)
            if known is not None:
                return known
            answer = await effect(session)
            first = Kept(call.fingerprint, answer.status, answer.body, answer.location)
            await kept.keep(call.user_id, call.route, call.key, first)
            return answer


async def _find(kept: IdempotencyRepository, call: Call) -> Answer | None:
    found = await kept.find(call.user_id, call.route, call.key)
    if found is None:
        return None
    if found.fingerprint != call.fingerprint:
        raise IdempotencyKeyReused
    return Answer(found.status, found.body, found.location, replayed=True)


async def forget_old_answers(database: Database, *, at_once: int = 1000) -> int:
    """Delete the answers that are older than seven days. Returns how many. Safe to run twice and by several at once."""
    total = 0
    while True:
        async with database.transaction() as session:
            deleted = await IdempotencyRepository(session).forget_old(at_once)
        total += deleted
        if deleted < at_once:
            return total
