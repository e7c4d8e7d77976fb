"""What all connections share: the table, the services, the limits, who is who, and the clock that ends what is slow."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final, Protocol

from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.access_log import AccessLog
from gateway.client import Client
from gateway.errors import WrongHost
from gateway.exchange import too_large
from gateway.metrics import OWN, Metrics
from gateway.rate_limits import RateLimits
from gateway.request import Request
from gateway.routes import DEFAULT_POLICY, RouteTable
from gateway.settings import Settings
from gateway.spans import Spans
from gateway.target import find_route, origin_form
from gateway.upstream import Upstream
from servicekit.problems import DomainError, MethodNotAllowed, NotFound, Unauthenticated
from servicekit.tokens import Principal

HSTS: Final = b"strict-transport-security: max-age=31536000; includeSubDomains\r\n"
UNCOUNTED: Final = b"/healthz"  # whoever asks whether we live gets an answer
LONGEST_TICK: Final = 0.25


class Verifier(Protocol):
    """Who a token belongs to; servicekit's TokenVerifier."""

    def remembered(self, token: str) -> Principal | None:
        """The owner of a token that was found good before and still is."""

    async def verify(self, token: str) -> Principal:
        """The owner. Raises InvalidToken."""


class Door:
    """Decides about each request: ``admit`` says no by an error of the problem that the client gets."""

    def __init__(
        self,
        settings: Settings,
        table: RouteTable,
        upstreams: Mapping[str, Upstream],
        limits: RateLimits | None,
        verifier: Verifier,
        metrics: Metrics,
        access_log: AccessLog,
        spans: Spans | None,
    ) -> None:
        self.settings = settings
        self.table = table
        self.upstreams = upstreams
        self.clients: set[Client] = set()
        self.draining = False  # every answer ends its connection
        self.always = HSTS if settings.hsts else b""  # lines of every answer
        self.scheme = b"https" if settings.hsts else b"http"
        self._limits = limits
        self._verifier = verifier
        self._tallies = metrics.tallies
        self._log = access_log
        self._spans = spans
        self._trusted = settings.trusted_proxies

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Client:
        """A new connection, as uvicorn wants it."""
        return Client(self, config, server_state, app_state, _loop)

    # One request

    def mark(self, request: Request) -> None:
        """Tell the services whether the trace is recorded: whoever asks does not decide that."""
        if self._spans is not None:
            request.flags = b"01" if self._spans.records(request.trace_id) else b"00"

    def admit(self, request: Request) -> bool:
        """Check and count a request; True when its token has to be looked at first (``identify``).

        Raises:
            DomainError: the request goes no further, for this reason.
        """
        header = request.header
        assert header is not None  # noqa: S101 - the caller read it
        if self.settings.hosts and header.host.decode("latin-1").lower() not in self.settings.hosts:
            raise WrongHost
        target = request.target = origin_form(request.target, header.host)
        path = request.path = target.partition(b"?")[0]
        entry = request.entry = find_route(self.table, path)
        token = header.token
        if self._limits is not None and path != UNCOUNTED:
            self._count_address(self._limits, request)
        if entry is None:
            raise NotFound
        if request.method not in entry.methods:
            raise MethodNotAllowed(headers={"Allow": ", ".join(entry.route.allowed)})
        if header.length is not None and header.length > entry.route.body_limit:
            raise too_large(entry.route.body_limit)
        if token is None:
            if request.method in entry.needs_token:
                raise Unauthenticated
            return False
        if entry.service is None:
            return False
        principal = request.principal = self._verifier.remembered(token)
        if principal is None:
            return True
        self._count_user(request, principal)
        return False

    async def identify(self, request: Request) -> None:
        """Look at a token that is not known yet. Where none is needed a bad one is the service's to judge.

        A bad one counts as none for the limits: guessing tokens is no way around those of the address.

        Raises:
            InvalidToken, Unavailable, TooManyRequests: the request goes no further.
        """
        assert request.header is not None  # noqa: S101 - admitted
        assert request.entry is not None  # noqa: S101 - as above
        try:
            request.principal = await self._verifier.verify(request.header.token or "")
        except DomainError:
            self._count_user(request, None)
            if request.method in request.entry.needs_token:
                raise
        else:
            self._count_user(request, request.principal)

    @staticmethod
    def _count_address(limits: RateLimits, request: Request) -> None:
        entry, header = request.entry, request.header
        assert header is not None  # noqa: S101 - the caller read it
        policy = DEFAULT_POLICY if entry is None else entry.route.policy
        has_token = header.token is not None and entry is not None and entry.service is not None
        request.limits = limits.first(policy, header.address, has_token=has_token)

    def _count_user(self, request: Request, principal: Principal | None) -> None:
        if self._limits is not None and request.limits == b"":
            assert request.header is not None  # noqa: S101 - admitted
            assert request.entry is not None  # noqa: S101 - as above
            policy, address = request.entry.route.policy, request.header.address
            request.limits = self._limits.second(policy, address, principal.user_id if principal else None)

    def client_behind(self, peer: str, forwarded: bytes) -> str:
        """The client's address: the connection's, or what a trusted proxy says, the last that is none itself."""
        if not self._trusted or not forwarded or not self._is_trusted(peer):
            return peer
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            address = hop.strip()
            try:
                ip_address(address)
            except ValueError:
                return peer
            if not self._is_trusted(address):
                return address
            peer = address
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:  # no address, as under a Unix socket
            return False
        return any(parsed in network for network in self._trusted)

    def seen(
        self, request: Request, status: int, upstream: Upstream | None, *, refused: DomainError | None = None,
        cut: DomainError | None = None,
    ) -> None:  # fmt: skip
        """A request has its answer."""
        seconds = monotonic() - request.started
        service = OWN if upstream is None else upstream.name
        error = refused or cut
        self._tallies[service].count(status, seconds, None if error is None else error.code)
        self._log.write(request, status, service=service, seconds=seconds, error=error, cut=cut is not None)
        if self._spans is not None and self._spans.records(request.trace_id):
            self._spans.add(request, status, service=service, seconds=seconds, error=error)

    # All connections

    async def watch(self) -> None:
        """End what is overdue, for ever."""
        loop = asyncio.get_running_loop()
        settings = self.settings
        while True:
            shortest = min(settings.slow_client_seconds, settings.idle_seconds, self.table.shortest_seconds)
            tick = min(LONGEST_TICK, shortest / 4)
            await asyncio.sleep(tick)
            now = loop.time()
            for client in [one for one in self.clients if one.due <= now]:
                client.overdue(now)
            for upstream in self.upstreams.values():
                for address in upstream.addresses:
                    address.close_unused()

    def close(self) -> None:
        """Cut all connections to the services."""
        for upstream in self.upstreams.values():
            upstream.close()
