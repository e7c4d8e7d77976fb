"""The answers kept for repeated requests."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

# Text, and not built anew for each request: they are part of every one that changes something.
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND = text("""
    SELECT fingerprint, status, body, location FROM idempotency_key
    WHERE user_id = :user_id AND route = :route AND key = :key AND created_at > now() - interval '7 days'
""").bindparams(bindparam("user_id", type_=Uuid))
_KEEP = text("""
    INSERT INTO idempotency_key (user_id, route, key, fingerprint, status, body, location)
    VALUES (:user_id, :route, :key, :fingerprint, :status, :body, :location)
    ON CONFLICT (user_id, route, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
        body = excluded.body, location = excluded.location, created_at = now()
""").bindparams(bindparam("user_id", type_=Uuid))
_FORGET = text("""
    WITH old AS (
        SELECT user_id, route, key FROM idempotency_key WHERE created_at <= now() - interval '7 days' LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ), forgotten AS (DELETE FROM idempotency_key USING old WHERE (idempotency_key.user_id, idempotency_key.route,
        idempotency_key.key) = (old.user_id, old.route, old.key) RETURNING 1)
    SELECT count(*) FROM forgotten
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given."""

    fingerprint: str
    status: int
    body: str
    location: str | None


class IdempotencyRepository:
    """Kept answers, by person, route and key; for seven days."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_lock(self, user_id: UUID, route: str, key: str) -> bool:
        """Take the key until the transaction ends; False, without waiting, while another transaction has it."""
        return bool(await self._session.scalar(_TRY_LOCK, {"name": f"{user_id} {route} {key}"}))

    async def find(self, user_id: UUID, route: str, key: str) -> Kept | None:
        """The answer kept under the key, unless it is too old."""
        found = await self._session.execute(_FIND, {"user_id": user_id, "route": route, "key": key})
        row = found.one_or_none()
        return Kept(*row) if row else None

    async def keep(self, user_id: UUID, route: str, key: str, kept: Kept) -> None:
        """Keep an answer, in the place of one that is too old."""
        await self._session.execute(_KEEP, {"user_id": user_id, "route": route, "key": key, **asdict(kept)})

    async def forget_old(self, limit: int) -> int:
        """Delete that many answers that are too old. Returns how many there were."""
        return int(await self._session.scalar(_FORGET, {"limit": limit}) or 0)
