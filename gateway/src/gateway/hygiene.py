"""What of a request's header the services may see, and what of an answer's the world may see (RFC 9110, 9112)."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from gateway.errors import BadFraming, BadTarget, HeadersTooLarge, NoWebSocket
from servicekit.middleware import REQUEST_ID
from servicekit.problems import BadRequest

RawHeaders = list[tuple[bytes, bytes]]

MAX_FIELDS: Final = 100
MAX_BYTES: Final = 32 * 1024

_HOP_BY_HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
# These we write ourselves, from what we checked.
_OURS: Final = frozenset({b"host", b"content-length", b"expect", b"x-request-id"})
# Only a door may say these; from a client they are forgeries.
_FORGED: Final = frozenset({b"forwarded", b"x-real-ip"})
_FORGED_PREFIXES: Final = (b"x-forwarded-", b"x-user-", b"x-internal-")
_BANNERS: Final = frozenset({b"server", b"x-powered-by", b"date", b"x-request-id"})  # date and id: ours are sent

_SINGLE: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"authorization", b"idempotency-key"})
_NOTED: Final = _SINGLE | {b"connection", b"upgrade", b"x-request-id"}
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@dataclass(slots=True)
class Inbound:
    """A request's header, checked. ``headers`` is what the upstream gets."""

    request_id: str
    headers: RawHeaders
    content_length: int | None
    chunked: bool
    authorization: bytes | None
    repeatable: bool  # safe by its method, or by an Idempotency-Key

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.chunked or bool(self.content_length)


def read_header(scope: Scope, *, https: bool) -> Inbound:
    """Check the header of a request and rewrite it for the upstream.

    Raises:
        HeadersTooLarge, BadFraming, BadTarget, NoWebSocket, BadRequest: the request goes no further.
    """
    noted, kept = _sort(scope["headers"])
    if b"websocket" in noted.get(b"upgrade", b"").lower():
        raise NoWebSocket
    host = noted.get(b"host", b"")
    if not _HOST.fullmatch(host):
        raise BadTarget("The Host is missing or has no valid form.")
    named = _tokens(noted.get(b"connection", b""))
    if named:
        kept = [field for field in kept if field[0] not in named]
    length, chunked = _framing(noted, scope["http_version"])
    sent_id = noted.get(b"x-request-id", b"").decode("latin-1")
    request_id = sent_id if REQUEST_ID.fullmatch(sent_id) else secrets.token_hex(16)
    kept += (
        (b"host", host),
        (b"x-forwarded-for", scope["client"][0].encode("ascii") if scope["client"] else b"unknown"),
        (b"x-forwarded-proto", b"https" if https else scope["scheme"].encode("ascii")),
        (b"x-forwarded-host", host),
        (b"x-request-id", request_id.encode("ascii")),
    )
    if chunked:
        kept.append((b"transfer-encoding", b"chunked"))
    elif length is not None:
        kept.append((b"content-length", b"%d" % length))
    repeatable = scope["method"] in {"GET", "HEAD"} or b"idempotency-key" in noted
    return Inbound(request_id, kept, length, chunked, noted.get(b"authorization"), repeatable)


def _sort(headers: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], RawHeaders]:
    """The fields that we look at, joined when repeated, and those that pass."""
    noted: dict[bytes, bytes] = {}
    kept: RawHeaders = []
    count = size = 0
    for field in headers:
        name, value = field
        count += 1
        size += len(name) + len(value) + 4
        if name in _NOTED:
            if name in noted:
                if name in _SINGLE:
                    raise BadFraming("A header field that may come once came twice.")
                value = noted[name] + b"," + value
            noted[name] = value
        if _passes(name):
            kept.append(field)
    if count > MAX_FIELDS or size > MAX_BYTES:
        raise HeadersTooLarge
    return noted, kept


@lru_cache(maxsize=1024)
def _passes(name: bytes) -> bool:
    # `x_user_id` becomes `x-user-id` in some software behind a door, so no name with an underscore passes.
    dropped = name in _HOP_BY_HOP or name in _OURS or name in _FORGED or b"_" in name
    return not dropped and not name.startswith(_FORGED_PREFIXES)


def _tokens(connection: bytes) -> frozenset[bytes]:
    return frozenset(token.strip().lower() for token in connection.split(b",")) - {b"keep-alive", b"close", b""}


def _framing(noted: dict[bytes, bytes], http_version: str) -> tuple[int | None, bool]:
    length, encoding = noted.get(b"content-length"), noted.get(b"transfer-encoding")
    if encoding is not None:
        if length is not None or http_version == "1.0" or encoding.strip().lower() != b"chunked":
            raise BadFraming
        return None, True
    if length is None:
        return None, False
    if not length.isdigit() or len(length) > 18:
        raise BadFraming
    return int(length), False


def request_head(method: str, path: bytes, query: bytes, headers: RawHeaders) -> bytes:
    """The request's first bytes on the way to the upstream."""
    target = path + b"?" + query if query else path
    lines = [b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)]
    lines += [b"%b: %b\r\n" % field for field in headers]
    lines.append(b"\r\n")
    head = b"".join(lines)
    # No value may begin a line of its own, whatever the parser in front let through.
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise BadRequest("A header field contains a line break.")
    return head


def answer_header(status: int, headers: RawHeaders) -> RawHeaders:
    """The header of an upstream's answer as the client gets it: without what is between us and the upstream only."""
    bodiless = status in {204, 304}
    named: frozenset[bytes] = frozenset()
    kept: RawHeaders = []
    for field in headers:
        name = field[0]
        if name == b"connection":
            named |= _tokens(field[1])
        elif name not in _HOP_BY_HOP and name not in _BANNERS and not (bodiless and name == b"content-length"):
            kept.append(field)
    if named:
        kept = [field for field in kept if field[0] not in named]
    return kept
