"""Guessing costs time: wrong tries are counted, and too many of them close a door for a while (docs/adr/0008).

Counts are kept in Postgres, each in a transaction of its own, so that a failed request counts and an empty cache opens
nothing. A try looks before its work and once more after it. So of a hundred tries at the same moment only those count
that came before the door closed: the others learn nothing, not even when they were right.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import SecretStr

from auth_service.errors import TooManyTries
from auth_service.repositories.throttle import Bucket, Policy, ThrottleRepository
from auth_service.services.opaque_tokens import derive_key
from servicekit.db import Database
from servicekit.logs import get_logger

MINUTE, HOUR = 60, 3600

# The account is the main defence. Behind one address there may be a whole company, or all visitors of the web pages.
ACCOUNT = Policy(free=5, first=5, longest=15 * MINUTE, memory=HOUR)
NETWORK = Policy(free=300, first=1, longest=MINUTE, memory=15 * MINUTE, forgives=False)
# Networks that many share, as the operator says: their count is kept to be seen, and closes no door.
SHARED = Policy(free=2**31 - 2, first=1, longest=1, memory=15 * MINUTE, forgives=False)
MAIL = Policy(free=5, first=MINUTE, longest=HOUR, memory=6 * HOUR, forgives=False)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries, as far as can be told without an account."""

    network: str
    device_token: str | None = None
    user_agent: str | None = None


class Throttle:
    """Counts failures and closes doors."""

    def __init__(self, database: Database, secret: SecretStr, shared_networks: Collection[str] = ()) -> None:
        self._database = database
        self._shared = shared_networks
        self._key = derive_key(secret, "auth: throttle buckets")

    def bucket(self, policy: Policy, kind: str, subject: object) -> Bucket:
        """What is counted together: tries at the secret ``kind`` of, or from, ``subject``."""
        return Bucket(hmac.digest(self._key, f"{kind}:{subject}".encode("utf-8", "surrogatepass"), "sha256"), policy)

    def network(self, caller: Caller) -> Bucket:
        """Everything that this network tries."""
        policy = SHARED if caller.network in self._shared else NETWORK
        return self.bucket(policy, "network", caller.network)

    async def check(self, *buckets: Bucket) -> None:
        """Before the work. Raises TooManyTries when one of the doors is closed."""
        async with self._database.transaction() as session:
            left = await ThrottleRepository(session).seconds_left([bucket.key for bucket in buckets])
        if left:
            self._refuse(left)

    async def count(self, *buckets: Bucket) -> None:
        """After a failure. Raises TooManyTries when a door was closed meanwhile: nobody learns that it was one."""
        left = 0
        async with self._database.transaction() as session:
            repository = ThrottleRepository(session)
            for bucket in sorted(buckets, key=lambda bucket: bucket.key):  # one order, so that no two wait in a ring
                if not await repository.count(bucket):
                    left = max(left, 1, await repository.seconds_left([bucket.key]))
        if left:
            self._refuse(left)

    async def passed(self, *buckets: Bucket) -> None:
        """After a success, which forgives. Raises TooManyTries when a door was closed meanwhile: it does not count."""
        async with self._database.transaction() as session:
            repository = ThrottleRepository(session)
            left = await repository.seconds_left([bucket.key for bucket in buckets])
            if not left:
                await repository.clear([bucket.key for bucket in buckets if bucket.policy.forgives])
        if left:
            self._refuse(left)

    async def forgive(self, *buckets: Bucket) -> None:
        """Open the doors: the owner has shown to be the owner in another way."""
        async with self._database.transaction() as session:
            await ThrottleRepository(session).clear([bucket.key for bucket in buckets])

    def _refuse(self, left: int) -> None:
        log.info("throttle.refused", seconds=left)
        raise TooManyTries(retry_after=left)
