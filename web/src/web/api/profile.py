"""One's own account, as its owner may see and change it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from web.api.accounts import Account
from web.api.answers import Answer, Listed
from web.api.calls import Calls, given, read

SESSIONS_LIMIT = 100


class SignedInPlace(Answer):
    """A session: a place where the account is signed in."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    network: str | None
    user_agent: str | None
    current: bool


class TotpSecret(Answer):
    """What an authenticator app needs."""

    secret: str
    otpauth_uri: str


class RecoveryCodes(Answer):
    """Codes for when the phone is gone; shown once."""

    recovery_codes: list[str]


@dataclass(frozen=True)
class Profile:
    """Name, password, sessions, second factor."""

    calls: Calls

    async def read(self) -> Account:
        """The account."""
        return read(Account, await self.calls.send("GET", "/users/me"))

    async def rename(self, name: str) -> Account:
        """Another name."""
        return read(Account, await self.calls.send("PATCH", "/users/me", json={"name": name}))

    async def delete(self) -> None:
        """The end of the account and of all its sessions."""
        await self.calls.send("DELETE", "/users/me")

    async def change_password(self, present: str, new: str) -> None:
        """Another password; all other sessions end."""
        values = {"current_password": present, "new_password": new}
        await self.calls.send("PUT", "/users/me/password", json=values)

    async def sessions(self, cursor: str = "") -> Listed[SignedInPlace]:
        """Where the account is signed in, newest first."""
        query = given({"limit": SESSIONS_LIMIT, "cursor": cursor})
        return read(Listed[SignedInPlace], await self.calls.send("GET", "/users/me/sessions", params=query))

    async def end_session(self, session_id: UUID) -> None:
        """Sign out at one place."""
        await self.calls.send("DELETE", f"/users/me/sessions/{session_id}")

    async def end_other_sessions(self) -> None:
        """Sign out everywhere else."""
        await self.calls.send("DELETE", "/users/me/sessions")

    async def propose_totp(self, password: str) -> TotpSecret:
        """A secret for an authenticator app. Nothing changes until a code of it is confirmed."""
        return read(TotpSecret, await self.calls.send("POST", "/users/me/totp", json={"password": password}))

    async def confirm_totp(self, code: str) -> list[str]:
        """Switch the second factor on. Gives the recovery codes."""
        answer = await self.calls.send("POST", "/users/me/totp/confirm", json={"code": code})
        return read(RecoveryCodes, answer).recovery_codes

    async def remove_totp(self, password: str) -> None:
        """Switch the second factor off."""
        await self.calls.send("DELETE", "/users/me/totp", json={"password": password})
