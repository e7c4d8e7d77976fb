"""Accounts and signing in, as the API answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from web.api.answers import Answer
from web.api.calls import Calls, Values, read


class TokenPair(Answer):
    """What signing in and refreshing give."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn(Answer):
    """The answer to a right password: tokens, or the wish for a second factor."""

    mfa_required: bool = False
    mfa_token: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int = 0
    device_token: str | None = None  # a header of the answer

    @property
    def tokens(self) -> TokenPair | None:
        """The tokens, if there are any yet."""
        if self.access_token is None or self.refresh_token is None:
            return None
        return TokenPair(access_token=self.access_token, refresh_token=self.refresh_token, expires_in=self.expires_in)


class Account(Answer):
    """The signed-in person."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    roles: list[str]
    created_at: datetime
    mfa_enabled: bool


@dataclass(frozen=True)
class Accounts:
    """Register, sign in, and who is signed in."""

    calls: Calls

    async def register(self, values: Values) -> None:
        """A new account, or a mail to the owner of the one that exists."""
        await self.calls.send("POST", "/auth/register", json=values)

    async def verify_email(self, token: str) -> None:
        """Spend the token of the mail."""
        await self.calls.send("POST", "/auth/verify-email", json={"token": token}, headers=self._device())

    async def login(self, values: Values) -> SignIn:
        """Tokens for an address and a password, or the wish for a code."""
        return await self._sign_in("/auth/login", values)

    async def answer_mfa(self, mfa_token: str, code: str) -> SignIn:
        """Tokens for a code of the authenticator app, or a recovery code."""
        return await self._sign_in("/auth/mfa", {"mfa_token": mfa_token, "code": code})

    async def forgot_password(self, email: str) -> None:
        """A mail with a link, when the address is known."""
        await self.calls.send("POST", "/auth/password/forgot", json={"email": email})

    async def reset_password(self, token: str, password: str) -> None:
        """Spend the token of that mail on a new password."""
        await self.calls.send(
            "POST", "/auth/password/reset", json={"token": token, "password": password}, headers=self._device()
        )

    async def refresh(self, refresh_token: str) -> TokenPair:
        """The next pair of tokens."""
        return read(TokenPair, await self.calls.send("POST", "/auth/refresh", json={"refresh_token": refresh_token}))

    async def logout(self) -> None:
        """End the session of these tokens."""
        await self.calls.send("POST", "/auth/logout")

    async def me(self) -> Account:
        """Who is signed in."""
        return read(Account, await self.calls.send("GET", "/users/me"))

    async def _sign_in(self, path: str, values: Values) -> SignIn:
        answer = await self.calls.send("POST", path, json=values, headers=self._device())
        return read(SignIn, answer).model_copy(update={"device_token": answer.headers.get("device-token")})

    def _device(self) -> dict[str, str]:
        token = self.calls.browser.device_token
        return {"Device-Token": token} if token else {}
