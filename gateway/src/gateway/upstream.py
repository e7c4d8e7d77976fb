"""A service and the addresses where it answers: connections, how much it gets at once, and who is left alone."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.address import Address
from gateway.errors import Overloaded, UpstreamUnavailable
from gateway.hygiene import AnswerHeader
from gateway.settings import Settings
from servicekit.problems import BadGateway, DomainError, GatewayTimeout

FETCH_BYTES: Final = 8 * 1024 * 1024
RETRIES_AT_ONCE: Final = 10.0
RETRY_SHARE: Final = 0.1  # of all requests, over time


class Upstream:
    """Where a service listens, and how many requests are on their way there."""

    def __init__(self, name: str, urls: Sequence[str], settings: Settings) -> None:
        self.name = name
        self.addresses = [Address(url, settings) for url in urls]
        self._limits = (settings.upstream_requests, settings.upstream_streams)
        self.in_flight = [0, 0]  # ordinary requests, streams
        self._retries = RETRIES_AT_ONCE

    def enter(self, *, streaming: bool) -> None:
        """Take a place for a request. Raises Overloaded."""
        if self.in_flight[streaming] >= self._limits[streaming]:
            raise Overloaded(retry_after=1)
        self.in_flight[streaming] += 1
        if self._retries < RETRIES_AT_ONCE:
            self._retries += RETRY_SHARE

    def leave(self, *, streaming: bool) -> None:
        """Give the place back."""
        self.in_flight[streaming] -= 1

    def may_retry(self) -> bool:
        """Whether one more repetition is within the budget; it is taken from it."""
        if self._retries < 1:
            return False
        self._retries -= 1
        return True

    def pick(self, tried: Address | None = None) -> Address:
        """The address with the least to do among those that work; not ``tried`` when there is another.

        Raises:
            UpstreamUnavailable: none works.
        """
        addresses = self.addresses
        if len(addresses) == 1:
            best = addresses[0]
            if best.works:
                return best
            raise UpstreamUnavailable(retry_after=1)
        works = [address for address in addresses if address.works]
        others = [address for address in works if address is not tried] or works
        if not others:
            raise UpstreamUnavailable(retry_after=1)
        best = min(others, key=lambda address: address.busy)
        # The next time another one is first among equals.
        addresses.append(addresses.pop(addresses.index(best)))
        return best

    async def fetch(self, path: str, seconds: float) -> tuple[int, bytes]:
        """Ask for something of moderate size on the gateway's own account. Returns the status and the body.

        Raises:
            BadGateway, UpstreamUnavailable, GatewayTimeout: no answer of use within the time.
        """
        address = self.pick()
        try:
            async with asyncio.timeout(seconds):
                return await fetch(address, path)
        except TimeoutError as error:
            raise GatewayTimeout from error

    def close(self) -> None:
        """Cut all connections."""
        for address in self.addresses:
            address.close()


async def fetch(address: Address, path: str) -> tuple[int, bytes]:
    """The status and the body of a GET on a connection of its own, which says by itself whether the address works."""
    connection = await address.connect()
    answer = _WholeAnswer()
    head = f"GET {path} HTTP/1.1\r\nhost: {address.host}:{address.port}\r\naccept: application/json\r\n\r\n"
    try:
        connection.begin(answer, head.encode("ascii"), bodiless=False)
        return await answer.done
    finally:
        address.release(connection)


class _WholeAnswer:
    """Collects an answer."""

    def __init__(self) -> None:
        self.done: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = bytearray()

    def on_answer(self, status: int, header: AnswerHeader, *, bodiless: bool) -> None:  # noqa: ARG002 - the protocol's
        self._status = status

    def on_piece(self, data: bytes, *, last: bool) -> None:
        self._body += data
        if self.done.done():
            return
        if len(self._body) > FETCH_BYTES:
            self.done.set_exception(BadGateway())
        elif last:
            self.done.set_result((self._status, bytes(self._body)))

    def on_failure(self, error: DomainError, *, silent: bool) -> None:  # noqa: ARG002 - the protocol's
        if not self.done.done():
            self.done.set_exception(error)

    def on_upstream_full(self, *, full: bool) -> None:
        """A head alone never fills it."""
