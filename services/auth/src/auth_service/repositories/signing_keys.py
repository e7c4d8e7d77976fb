"""The signing keys, private halves encrypted."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import SigningKey


class SigningKeyRepository:
    """SQL on signing keys, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Let only one process at a time decide about keys, until the transaction ends."""
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('signing_key'))"))

    async def all(self) -> Sequence[SigningKey]:
        """Every key that was not withdrawn, in the order in which they sign."""
        statement = (
            select(SigningKey)
            .where(col(SigningKey.retired_at).is_(None))
            .order_by(col(SigningKey.signs_from), col(SigningKey.created_at))
            .execution_options(populate_existing=True)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def add(
        self, kid: str, public_jwk: dict[str, str], private_key: bytes, *, lead: timedelta, first: bool = False
    ) -> None:
        """Keep a new key, which is published now and signs once ``lead`` has passed."""
        await self._session.execute(
            insert(SigningKey).values(
                kid=kid,
                public_jwk=public_jwk,
                private_key=private_key,
                active=first,
                signs_from=func.now() + lead,
            )
        )
