"""Counted failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import ThrottleBucket

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """``free`` failures cost nothing; the next one ``first`` seconds, doubled by each that follows, up to ``longest``.

    With ``forgives`` a success clears the count, and ``memory`` seconds after the last failure all is forgotten.
    Without it, that long after the first: so a trickle of ordinary mistakes never adds up.
    """

    free: int
    first: int
    longest: int
    memory: int
    forgives: bool = True


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted together."""

    key: bytes
    policy: Policy


class ThrottleRepository:
    """SQL on counted failures, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def seconds_left(self, keys: Sequence[bytes]) -> int:
        """For how long the longest block among these buckets still lasts; 0 when none is blocked."""
        left = func.ceil(func.extract("epoch", func.max(col(ThrottleBucket.blocked_until)) - func.now()))
        found = await self._session.execute(select(left).where(col(ThrottleBucket.key).in_(keys)))
        return max(0, int(found.scalar_one() or 0))

    async def count(self, bucket: Bucket) -> bool:
        """Count a failure; False, and nothing is counted, when the bucket is blocked. Parallel callers queue here."""
        policy = bucket.policy
        forgotten = col(ThrottleBucket.expires_at) <= func.now()
        failures = case((forgotten, 1), else_=col(ThrottleBucket.failures) + 1)
        doubled = policy.first * func.power(2, func.least(failures - policy.free - 1, 20))
        # Not now(): a parallel caller whose transaction began a moment earlier would take that for a block.
        blocked_until = case(
            (failures <= policy.free, func.to_timestamp(0)),
            else_=func.now() + func.least(policy.longest, doubled) * literal(SECOND),
        )
        later = func.now() + timedelta(seconds=policy.memory)
        kept = func.greatest(col(ThrottleBucket.expires_at), blocked_until)  # or housekeeping would end a block early
        statement = (
            upsert(ThrottleBucket)
            .values(
                key=bucket.key,
                failures=1,
                blocked_until=func.to_timestamp(0),
                expires_at=later,
            )
            .on_conflict_do_update(
                index_elements=[col(ThrottleBucket.key)],
                set_={
                    "failures": failures,
                    "blocked_until": blocked_until,
                    "expires_at": later if policy.forgives else case((forgotten, later), else_=kept),
                },
                where=col(ThrottleBucket.blocked_until) <= func.now(),
            )
            .returning(col(ThrottleBucket.failures))
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def clear(self, keys: Sequence[bytes]) -> None:
        """Forget the failures of these buckets."""
        await self._session.execute(delete(ThrottleBucket).where(col(ThrottleBucket.key).in_(keys)))
