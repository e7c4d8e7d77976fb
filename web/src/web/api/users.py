"""Other people's accounts and the log of their security, for administrators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, read


class User(Answer):
    """An account as an administrator sees it."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    roles: list[str]
    disabled: bool
    mfa_enabled: bool
    created_at: datetime


class SecurityEvent(Answer):
    """Something that happened to an account."""

    kind: str
    user_id: UUID | None
    actor_id: UUID | None
    details: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Users:
    """Find accounts, change their rights, end their sessions."""

    calls: Calls

    async def list(self, query: Values) -> Listed[User]:
        """Accounts, newest first."""
        return read(Listed[User], await self.calls.send("GET", "/users", params=given(query)))

    async def one(self, user_id: UUID) -> tuple[User, str]:
        """One account and its ETag."""
        answer = await self.calls.send("GET", f"/users/{user_id}")
        return read(User, answer), answer.headers.get("etag", "")

    async def change(self, user_id: UUID, etag: str, values: Values) -> None:
        """Set roles, suspend or let in again."""
        await self.calls.send("PATCH", f"/users/{user_id}", json=values, headers={"If-Match": etag})

    async def end_sessions(self, user_id: UUID) -> None:
        """Sign somebody out everywhere."""
        await self.calls.send("DELETE", f"/users/{user_id}/sessions")

    async def events(self, query: Values) -> Listed[SecurityEvent]:
        """The log, newest first."""
        return read(Listed[SecurityEvent], await self.calls.send("GET", "/audit-events", params=given(query)))
