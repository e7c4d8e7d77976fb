"""Blobs that belong to no proof yet: each is written down before it is stored, so that none is ever forgotten.

Whoever writes one down and whoever deletes it lock its digest: no blob is deleted while somebody stores it anew.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, func, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, Upload

IN_FLIGHT = timedelta(hours=1)  # far longer than any upload takes
_upload, _proof = Base.metadata.tables["upload"].c, Base.metadata.tables["proof"].c
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('blob ' || :digest, 0))").bindparams(
    bindparam("digest", type_=Text)
)


class UploadRepository:
    """Uploads, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begin(self, *digests: str) -> list[UUID]:
        """Write down that these blobs are about to be stored. Waits while one of them is being deleted."""
        for digest in sorted(digests):  # one order for all, or two could block each other
            await self._session.execute(_LOCK, {"digest": digest})
        rows = [{"digest": digest} for digest in digests]
        return list(await self._session.scalars(insert(Upload).returning(_upload.id), rows))

    async def end(self, uploads: list[UUID]) -> None:
        """They belong to a proof now, or are gone."""
        await self._session.execute(delete(Upload).where(_upload.id.in_(uploads)))

    async def abandoned(self, limit: int) -> list[tuple[UUID, str]]:
        """Uploads, with their digests, that are too old to be under way; the oldest first."""
        old = select(_upload.id, _upload.digest).where(_upload.created_at < func.now() - IN_FLIGHT)
        rows = await self._session.execute(old.order_by(_upload.id).limit(limit))
        return [(row.id, row.digest) for row in rows]

    async def may_be_deleted(self, digest: str) -> bool:
        """Whether nobody needs the blob; nobody will begin to until the transaction ends."""
        await self._session.execute(_LOCK, {"digest": digest})
        by_proof = select(_proof.id).where(or_(_proof.image_sha256 == digest, _proof.thumbnail_sha256 == digest))
        by_upload = select(_upload.id).where(_upload.digest == digest, _upload.created_at >= func.now() - IN_FLIGHT)
        return not await self._session.scalar(select(or_(by_proof.exists(), by_upload.exists())))
