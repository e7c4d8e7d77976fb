"""The way out to publishers: the address that a name means is looked up once, checked, and is the one connected to.

A name that means another address when it is looked up the second time (DNS rebinding) gains nothing, as there is no
second time. Certificates are checked against the name (RFC 6066, section 3), not against the address.
"""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from isin_worker.errors import FetchFailed

NAT64 = b"\x00\x64\xff\x9b"
"""How addresses begin that lead through a translator to the IPv4 address in their last four bytes (RFC 6052)."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses only, and to any address of the hosts in ``private_hosts``."""

    def __init__(self, private_hosts: Collection[str]) -> None:
        # A kept connection would be looked up by its address, and two names may have the same one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(trust_env=False, limits=limits)
        self._private_hosts = frozenset(private_hosts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises FetchFailed when the name means no address, or one that is not public."""
        host = request.url.host
        address = await self._resolve(host, request.url.port or {"https": 443}.get(request.url.scheme, 80))
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # with the name in `Host`
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._transport.handle_async_request(pinned)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _resolve(self, host: str, port: int) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise FetchFailed(f"{host} is not to be found: {error.strerror}") from error
        addresses = [str(info[4][0]) for info in found]
        if host not in self._private_hosts:
            for address in addresses:  # all of them: a name that means a private address too is not a publisher's
                if not is_public(address):
                    raise FetchFailed(f"{host} is at {address}, which is not a public address")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the internet: not private, loopback, link-local, multicast, or reserved.

    An IPv6 address that stands for one of IPv4 is judged by that one.
    """
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = _inner(parsed)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(address.packed[-4:]) if address.packed.startswith(NAT64) else None
