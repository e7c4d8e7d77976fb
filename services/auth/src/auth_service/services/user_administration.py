"""What administrators see and do: roles, disabling, ending sessions, and the audit log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import LastAdmin
from auth_service.models import ROLES, Account
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.schemas import AuditEventOut, UserChangeIn, UserOut
from auth_service.services.profiles import user_of
from auth_service.services.sessions import REVOCATION_LIFE, refuse
from servicekit.conditional import require_match
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.pagination import Cursors
from servicekit.problems import NotFound
from servicekit.revocations import Revocations
from servicekit.schemas import Page

log = get_logger(__name__)


class UserAdministration:
    """Reads and changes other people's accounts. Whatever takes rights away ends sessions, so it acts at once."""

    def __init__(self, database: Database, cursors: Cursors, revocations: Revocations) -> None:
        self._database = database
        self._cursors = cursors
        self._revocations = revocations

    async def page(self, words: str | None, cursor: str | None, limit: int) -> Page[UserOut]:
        """All accounts but deleted ones, or those with ``words`` in name or address, newest first."""
        scope = f"users {words or ''}"
        before = UUID(self._cursors.decode(scope, cursor)[0]) if cursor else None
        async with self._database.transaction() as session:
            rows = await AccountRepository(session).page(words=words, before=before, limit=limit + 1)
        items = [user_of(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items=items, next_cursor=self._cursors.encode(scope, [str(items[-1].id)]) if more else None)

    async def get(self, user_id: UUID) -> UserOut:
        """One account. Raises NotFound."""
        async with self._database.transaction() as session:
            return user_of(await _found(session, user_id))

    async def change(self, actor_id: UUID, user_id: UUID, change: UserChangeIn, if_match: str | None) -> UserOut:
        """Set roles, disable or enable. A real change ends the account's sessions: new tokens say what holds now.

        Raises:
            PreconditionRequired, PreconditionFailed: without If-Match, or it is stale.
            LastAdmin: nobody would be left to administer.
            NotFound: there is no such account.
        """
        ended: list[UUID] = []
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            await accounts.lock_admins()
            account = await _found(session, user_id, for_update=True)
            require_match(if_match, user_of(account))
            roles = account.roles if change.roles is None else [role for role in ROLES if role in change.roles]
            disabled = account.disabled_at is not None if change.disabled is None else change.disabled
            stays_admin = "admin" in roles and not disabled
            if _is_admin(account) and not stays_admin and not await accounts.has_other_admin(user_id):
                raise LastAdmin
            if await _note(session, actor_id, account, roles, disabled=disabled):
                account = await accounts.administer(user_id, roles=roles, disabled=disabled)
                ended = await SessionRepository(session).revoke_all(user_id, remember=REVOCATION_LIFE)
        refuse(self._revocations, ended)
        log.info("user.changed", subject_id=str(user_id), sessions_ended=len(ended))
        return user_of(account)

    async def end_sessions(self, actor_id: UUID, user_id: UUID) -> None:
        """Sign somebody out everywhere. Raises NotFound."""
        async with self._database.transaction() as session:
            await _found(session, user_id)
            ended = await SessionRepository(session).revoke_all(user_id, remember=REVOCATION_LIFE)
            audit = AuditRepository(session)
            await audit.add("sessions.ended", user_id=user_id, actor_id=actor_id, cause="administrator")
        refuse(self._revocations, ended)
        log.info("sessions.ended", cause="administrator", subject_id=str(user_id), count=len(ended))

    async def events(
        self, *, user_id: UUID | None, kind: str | None, cursor: str | None, limit: int
    ) -> Page[AuditEventOut]:
        """The audit log, newest first."""
        scope = f"audit {user_id} {kind}"
        before = UUID(self._cursors.decode(scope, cursor)[0]) if cursor else None
        async with self._database.transaction() as session:
            rows = await AuditRepository(session).page(user_id=user_id, kind=kind, before=before, limit=limit + 1)
        items = [AuditEventOut.model_validate(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items=items, next_cursor=self._cursors.encode(scope, [str(items[-1].id)]) if more else None)


async def _found(session: AsyncSession, user_id: UUID, *, for_update: bool = False) -> Account:
    account = await AccountRepository(session).get(user_id, for_update=for_update)
    if account is None:
        raise NotFound
    return account


def _is_admin(account: Account) -> bool:
    return "admin" in account.roles and account.disabled_at is None


async def _note(
    session: AsyncSession, actor_id: UUID, account: Account, roles: Sequence[str], *, disabled: bool
) -> bool:
    """Write to the audit log what is about to change; False when nothing does."""
    audit = AuditRepository(session)
    new_roles = set(roles) != set(account.roles)
    switched = disabled != (account.disabled_at is not None)
    if new_roles:
        await audit.add(
            "user.roles_changed", user_id=account.id, actor_id=actor_id, before=list(account.roles), after=list(roles)
        )
    if switched:
        await audit.add("user.disabled" if disabled else "user.enabled", user_id=account.id, actor_id=actor_id)
    return new_roles or switched
