"""One request of one browser: its cookie, its session, the API in its name, and the answers it can get."""

from collections.abc import Callable
from typing import Annotated, Any, cast
from urllib.parse import urlencode, urlsplit

import msgspec
from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from servicekit.middleware import request_id_of
from web.api import Api, Browser
from web.errors import Refused, SignInNeeded
from web.renewal import SessionTokens
from web.sessions import Session, Step, new_id
from web.site import Site, site_of

SESSION, DEVICE = "appraise", "device"
COOKIE_ID_LENGTH = 43  # 256 bits in base64url
COOKIE_SECONDS = 30 * 86_400  # how long the browser keeps it; Valkey decides when the session ends
DEVICE_SECONDS = THEME_SECONDS = 365 * 86_400
THEMES = ("system", "light", "dark")


class Visit:
    """Who asks, and how to answer."""

    def __init__(self, request: Request, site: Site, cookie_id: str | None, session: Session | None) -> None:
        self.request = request
        self.site = site
        self.session = session
        self.request_id = request_id_of(request.scope)
        self.cookie_id = cookie_id or new_id()
        self._cookie_is_new = cookie_id is None
        self._cookie_is_needed = False
        # Only the gateway calls the pages, and it writes this header anew.
        self.browser = Browser(
            self.request_id,
            request.headers.get("x-forwarded-for", ""),
            request.headers.get("accept-language", ""),
            request.headers.get("user-agent", ""),
            request.cookies.get(site.settings.cookie(DEVICE), ""),
        )
        credentials = SessionTokens(site.renewals, self.cookie_id, session, self.browser) if session else None
        self.api = Api(site.http, self.browser, credentials)

    @property
    def csrf_token(self) -> str:
        """For the forms of the page. A browser without a cookie gets one with the page."""
        self._cookie_is_needed = True
        return self.site.csrf.token(self.cookie_id)

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return str(self.request.scope["path"])

    @property
    def address(self) -> str:
        """Path and query: where to come back to."""
        query = self.request.url.query
        return f"{self.path}?{query}" if query else self.path

    @property
    def theme(self) -> str:
        """Light, dark, or as the system has it."""
        chosen = self.request.cookies.get(self.site.settings.cookie("theme"), "")
        return chosen if chosen in THEMES else "system"

    def has_role(self, role: str) -> bool:
        """Whether the pages of this role are offered; the API decides for itself what is allowed."""
        return self.session is not None and role in self.session.roles

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page."""
        html = self.site.views.render(template, visit=self, **values)
        response = Response(html, status_code=status, media_type="text/html")
        if self._cookie_is_new and self._cookie_is_needed:
            self.keep(response, SESSION, self.cookie_id, seconds=COOKIE_SECONDS)
        return response

    def redirect(self, path: str, **query: str) -> Response:
        """To another page of ours, with GET."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)

    async def sign_in(self, session: Session, path: str, device_token: str | None) -> Response:
        """Begin a session under a new id, so that an id known to somebody else is worth nothing."""
        await self.site.sessions.end(self.cookie_id)
        fresh = new_id()
        await self.site.sessions.create(fresh, session)
        response = self.redirect(path)
        self.keep(response, SESSION, fresh, seconds=COOKIE_SECONDS)
        if device_token is not None:
            self.keep(response, DEVICE, device_token, seconds=DEVICE_SECONDS)
        return response

    async def begin_step(self, step: Step, path: str) -> Response:
        """Go on to the second half of something that ``step`` remembers, under a new id as ``sign_in``."""
        fresh = new_id()
        await self.site.sessions.keep_step(fresh, step)
        response = self.redirect(path)
        self.keep(response, SESSION, fresh, seconds=COOKIE_SECONDS)
        return response

    async def renamed(self, name: str) -> None:
        """Show another name from now on."""
        if self.session is not None:
            self.session = msgspec.structs.replace(self.session, name=name)
            await self.site.sessions.replace(self.cookie_id, self.session)

    async def sign_out(self, path: str, **query: str) -> Response:
        """End the session here and take the cookie back."""
        await self.site.sessions.end(self.cookie_id)
        response = self.redirect(path, **query)
        settings = self.site.settings
        response.delete_cookie(settings.cookie(SESSION), secure=settings.secure_cookies, httponly=True, samesite="lax")
        return response

    def keep(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        """Let the browser keep something that no script can read and that goes to this host alone."""
        settings = self.site.settings
        response.set_cookie(
            settings.cookie(name),
            value,
            max_age=seconds,
            path="/",
            secure=settings.secure_cookies,
            httponly=True,
            samesite="lax",
        )


async def visit_of(request: Request) -> Visit:
    """The visit of this request, made once. Raises redis.RedisError or OSError when Valkey is away."""
    if not hasattr(request.state, "visit"):
        site = site_of(request)
        sent = request.cookies.get(site.settings.cookie(SESSION), "")
        cookie_id = sent if len(sent) == COOKIE_ID_LENGTH else None
        session = await site.sessions.read(cookie_id) if cookie_id else None
        request.state.visit = Visit(request, site, cookie_id, session)
    return cast("Visit", request.state.visit)


AnyVisit = Annotated[Visit, Depends(visit_of)]


async def signed_in(visit: AnyVisit) -> Visit:
    """A visit with a session. Raises SignInNeeded."""
    if visit.session is None:
        raise SignInNeeded
    return visit


SignedInVisit = Annotated[Visit, Depends(signed_in)]


def _with_role(role: str) -> Callable[[SignedInVisit], Any]:
    async def check(visit: SignedInVisit) -> Visit:
        if not visit.has_role(role):
            raise Refused
        return visit

    return check


ReviewerVisit = Annotated[Visit, Depends(_with_role("reviewer"))]
AdminVisit = Annotated[Visit, Depends(_with_role("admin"))]


def own_path(sent: str | None) -> str:
    """``sent`` if it is a path of this site, else the first page: nobody is led elsewhere after signing in."""
    path = sent or "/"
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    if not safe or urlsplit(path).netloc or urlsplit(path).scheme:
        return "/"
    return path
