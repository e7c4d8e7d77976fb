"""Where somebody is signed in, and ending that."""

from uuid import UUID

from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.schemas import SessionOut
from auth_service.services.sessions import IDLE_LIFE, REVOCATION_LIFE, refuse
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.pagination import Cursors
from servicekit.problems import NotFound
from servicekit.revocations import Revocations
from servicekit.schemas import Page
from servicekit.tokens import Principal

log = get_logger(__name__)


class SessionList:
    """A person's own sessions."""

    def __init__(self, database: Database, cursors: Cursors, revocations: Revocations) -> None:
        self._database = database
        self._cursors = cursors
        self._revocations = revocations

    async def page(self, principal: Principal, cursor: str | None, limit: int) -> Page[SessionOut]:
        """The living sessions, newest first."""
        scope = f"sessions {principal.user_id}"
        before = UUID(self._cursors.decode(scope, cursor)[0]) if cursor else None
        async with self._database.transaction() as session:
            rows = await SessionRepository(session).living(
                principal.user_id, idle_life=IDLE_LIFE, before=before, limit=limit + 1
            )
        items = [
            SessionOut.model_validate({**row.model_dump(), "current": row.id == principal.session_id})
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        return Page(items=items, next_cursor=self._cursors.encode(scope, [str(items[-1].id)]) if more else None)

    async def end(self, principal: Principal, session_id: UUID) -> None:
        """End one. Raises NotFound when it is not a living one of this person."""
        async with self._database.transaction() as session:
            if not await SessionRepository(session).revoke(
                session_id, remember=REVOCATION_LIFE, account_id=principal.user_id
            ):
                raise NotFound
            await AuditRepository(session).add(
                "session.ended", user_id=principal.user_id, session_id=str(session_id), cause="owner"
            )
        refuse(self._revocations, [session_id])
        log.info("session.ended", cause="owner", session_id=str(session_id))

    async def end_others(self, principal: Principal) -> None:
        """End all but the caller's own."""
        async with self._database.transaction() as session:
            ended = await SessionRepository(session).revoke_all(
                principal.user_id, remember=REVOCATION_LIFE, keep=principal.session_id
            )
            if ended:
                await AuditRepository(session).add("sessions.ended", user_id=principal.user_id, cause="owner")
        refuse(self._revocations, ended)
        log.info("sessions.ended", cause="owner", count=len(ended))
