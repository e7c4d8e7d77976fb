"""Hashing of passwords: Argon2id, away from the event loop."""

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from servicekit.problems import Unavailable

MEMORY_KIB = 19 * 1024  # with two passes and one lane: the OWASP Password Storage Cheat Sheet's first choice
PASSES = 2
LANES = 1
# A hash takes 21 ms of a core, so a queue of this length is about a second a core; past it, waiting helps nobody.
MAX_WAITING_PER_CORE = 50

Result = TypeVar("Result")


class Passwords:
    """Hashes and checks passwords in one thread a core, at the lowest priority: the event loop comes first.

    Passwords are taken in their normal form (see ``password_policy``).
    """

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="passwords", initializer=_lower_priority)
        self._max_waiting = cores * MAX_WAITING_PER_CORE
        self._waiting = 0
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash to store, with its salt and parameters. Raises Unavailable when too many wait already."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` is the one of ``stored``. None, for no such account, costs the same and never matches.

        Raises Unavailable when too many wait already.
        """
        return await self._run(lambda: self._verify(stored or self._nobodys, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many people sign in at this moment.", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
