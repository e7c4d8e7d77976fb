"""The auth service, asked about the person who asks us, with that person's own token."""

from typing import Protocol
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from servicekit.problems import InvalidToken, Unavailable

PATIENCE_S = 2.0  # a name is not worth a longer wait
BOOKING_S = 10.0  # a booking is


class AccountInfo(BaseModel):
    """What matters here of an account."""

    name: str
    email_verified: bool


class Accounts(Protocol):
    """Where people are looked up."""

    async def me(self, token: str) -> AccountInfo:
        """The account of the token's bearer. Raises InvalidToken or Unavailable."""

    async def exists(self, user_id: UUID, token: str) -> bool:
        """Whether there is such an account, for an administrator. Raises InvalidToken or Unavailable."""


class HttpAccounts:
    """The auth service over HTTP."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def me(self, token: str) -> AccountInfo:
        """The account of the token's bearer. Raises InvalidToken or Unavailable."""
        try:
            response = await self._get("me", token, PATIENCE_S)
            return AccountInfo.model_validate_json(response.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            raise Unavailable("The accounts can't be asked at the moment.") from error

    async def exists(self, user_id: UUID, token: str) -> bool:
        """Whether there is such an account, for an administrator. Raises InvalidToken or Unavailable."""
        try:
            response = await self._get(str(user_id), token, BOOKING_S)
            if response.status_code == httpx.codes.NOT_FOUND:
                return False
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("The accounts can't be asked at the moment.") from error
        return True

    async def _get(self, who: str, token: str, seconds: float) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        response = await self._client.get(f"{self._url}/api/v1/users/{who}", headers=headers, timeout=seconds)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise InvalidToken
        return response


class FakeAccounts:
    """One account, whoever asks with a token."""

    def __init__(self) -> None:
        self.account = AccountInfo(name="Ada", email_verified=True)
        self.strangers: set[UUID] = set()
        self.down = False
        self.asked = 0

    async def me(self, token: str) -> AccountInfo:
        """The account. Raises InvalidToken without a token, and Unavailable while ``down``."""
        self._ask(token)
        return self.account

    async def exists(self, user_id: UUID, token: str) -> bool:
        """Whether it is none of the ``strangers``. Raises as ``me`` does."""
        self._ask(token)
        return user_id not in self.strangers

    def _ask(self, token: str) -> None:
        self.asked += 1
        if not token:
            raise InvalidToken
        if self.down:
            raise Unavailable("The accounts can't be asked at the moment.")
