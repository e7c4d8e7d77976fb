"""Access tokens live for minutes, sessions for days: this exchanges the one for the next, once for each session."""

import asyncio
import time
from weakref import WeakValueDictionary

import httpx
import msgspec

from web.api import Api, ApiProblem, Browser
from web.api.accounts import Account, TokenPair
from web.errors import SignInNeeded
from web.sessions import Session, Sessions

SOON_SECONDS = 30.0


def session_of(account: Account, pair: TokenPair) -> Session:
    """The session of somebody who has just got these tokens."""
    return Session(
        user_id=str(account.id),
        name=account.name,
        email_verified=account.email_verified,
        roles=account.roles,
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_at=time.time() + pair.expires_in,
    )


class KnownToken:
    """A token that has just been given out. It can't be renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self) -> str:
        """The token."""
        return self._token

    async def renewed(self, refused: str) -> str:  # noqa: ARG002 - the protocol's
        """There is none. Raises SignInNeeded."""
        raise SignInNeeded


class Renewals:
    """One lock for each session that is being renewed in this process.

    Another process may renew the same session at the same time: for 10 s the API answers the same token with the same
    successor, so both get the same pair.
    """

    def __init__(self, sessions: Sessions, http: httpx.AsyncClient) -> None:
        self._sessions = sessions
        self._http = http
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def renew(self, cookie_id: str, refused: str, browser: Browser) -> Session:
        """The session with other tokens than ``refused``, whoever fetched them.

        Raises:
            SignInNeeded: the session has ended, here or in the API.
        """
        lock = self._locks.setdefault(cookie_id, asyncio.Lock())
        async with lock:
            session = await self._sessions.read(cookie_id)
            if session is None:
                raise SignInNeeded
            # nosemgrep: secret-compared-at-leisure - both are ours, nobody who guesses sees this
            if session.access_token != refused:
                return session
            renewed = await self._exchange(cookie_id, session, browser)
            await self._sessions.replace(cookie_id, renewed)
            return renewed

    async def _exchange(self, cookie_id: str, session: Session, browser: Browser) -> Session:
        try:
            pair = await Api(self._http, browser).accounts.refresh(session.refresh_token)
            fresh = msgspec.structs.replace(
                session,
                access_token=pair.access_token,
                refresh_token=pair.refresh_token,
                expires_at=time.time() + pair.expires_in,
            )
            # Kept before anything else is asked: the old refresh token is spent.
            await self._sessions.replace(cookie_id, fresh)
            account = await Api(self._http, browser, KnownToken(pair.access_token)).accounts.me()
        except ApiProblem as problem:
            if problem.status != 401:
                raise
            await self._sessions.end(cookie_id)
            raise SignInNeeded from problem
        return session_of(account, pair)


class SessionTokens:
    """The tokens of one session, for the calls of one request."""

    def __init__(self, renewals: Renewals, cookie_id: str, session: Session, browser: Browser) -> None:
        self._renewals = renewals
        self._cookie_id = cookie_id
        self._session = session
        self._browser = browser

    async def access_token(self) -> str:
        """The present token, renewed when it is about to expire."""
        if self._session.expires_at - time.time() < SOON_SECONDS:
            return await self.renewed(self._session.access_token)
        return self._session.access_token

    async def renewed(self, refused: str) -> str:
        """The token after ``refused``. Raises SignInNeeded."""
        self._session = await self._renewals.renew(self._cookie_id, refused, self._browser)
        return self._session.access_token
