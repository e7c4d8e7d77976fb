"""What of a request's header the services may see, and what of an answer's the world may see (RFC 9110, 9112)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.errors import BadFraming, BadTarget, NoWebSocket, TooManyRanges
from gateway.framing import FramingError
from servicekit.middleware import REQUEST_ID
from servicekit.permissions import MAX_TOKEN

_HOP_BY_HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
# These we write ourselves, from what we checked.
_OURS: Final = frozenset({b"host", b"content-length", b"expect", b"x-request-id", b"traceparent"})
# Only a door may say these; from a client they are forgeries.
_FORGED: Final = frozenset({b"forwarded", b"x-real-ip"})
_FORGED_PREFIXES: Final = (b"x-forwarded-", b"x-user-", b"x-internal-")
_SINGLE: Final = frozenset({
    b"host", b"content-length", b"transfer-encoding", b"authorization", b"idempotency-key", b"range", b"traceparent",
})  # fmt: skip
_NOTED: Final = _SINGLE | {b"connection", b"upgrade", b"x-request-id", b"x-forwarded-for", b"expect"}
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_TRACE: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TOKENS: Final[frozenset[bytes]] = frozenset()


@dataclass(slots=True)
class RequestHeader:
    """A request's header, checked. It depends on nothing but its bytes and who sent them, so it may be kept."""

    lines: bytes  # what the upstream gets, whole lines; request id and trace come after them
    host: bytes
    address: str  # the client's
    length: int | None
    chunked: bool
    token: str | None  # of Authorization: Bearer
    keyed: bool  # has an Idempotency-Key
    close: bool
    expects_continue: bool
    request_id: str | None
    trace: bytes | None

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.chunked or bool(self.length)


def read_request_header(
    block: bytes, *, minor: bytes, client_of: Callable[[bytes], str], scheme: bytes
) -> RequestHeader:
    """Check the header lines of a request and rewrite them for the upstream.

    ``client_of`` says who the client is, given what was sent as ``X-Forwarded-For``.

    Raises:
        BadFraming, BadTarget, NoWebSocket, TooManyRanges: the request goes no further.
    """
    noted, kept = _sort(block)
    if b"websocket" in noted.get(b"upgrade", b"").lower():
        raise NoWebSocket
    host = noted.get(b"host", b"")
    if not _HOST.fullmatch(host):
        raise BadTarget("The Host is missing or has no valid form.")
    if b"," in noted.get(b"range", b""):
        raise TooManyRanges
    named = _tokens(noted.get(b"connection", b""))
    if named:
        kept = [(name, line) for name, line in kept if name not in named]
    length, chunked = _framing(noted, minor)
    address = client_of(noted.get(b"x-forwarded-for", b""))
    sent_id = noted.get(b"x-request-id", b"").decode("latin-1")
    trace = noted.get(b"traceparent", b"")
    ours = b"host: %b\r\nx-forwarded-for: %b\r\nx-forwarded-proto: %b\r\nx-forwarded-host: %b\r\n" % (
        host, address.encode("ascii"), scheme, host,
    )  # fmt: skip
    if chunked:
        ours += b"transfer-encoding: chunked\r\n"
    elif length is not None:
        ours += b"content-length: %d\r\n" % length
    return RequestHeader(
        lines=b"".join([b"%b\r\n" % line for _, line in kept]) + ours,
        host=host,
        address=address,
        length=length,
        chunked=chunked,
        token=_bearer(noted.get(b"authorization", b"")),
        keyed=b"idempotency-key" in noted,
        close=minor == b"0" or b"close" in named,  # in HTTP/1.0 not all mean the same by keep-alive
        expects_continue=minor == b"1" and noted.get(b"expect", b"").lower() == b"100-continue",
        request_id=sent_id if REQUEST_ID.fullmatch(sent_id) else None,
        trace=trace if _TRACE.fullmatch(trace) else None,
    )


def _sort(block: bytes) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]]]:
    """The fields that we look at, joined when repeated, and the lines that pass, by name."""
    noted: dict[bytes, bytes] = {}
    kept: list[tuple[bytes, bytes]] = []
    for line in block.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _NOTED:
            value = value.strip(b" \t")
            if name in noted:
                if name in _SINGLE:
                    raise BadFraming("A header field that may come once came twice.")
                value = noted[name] + b"," + value
            noted[name] = value
        if _passes(name):
            kept.append((name, line))
    return noted, kept


@lru_cache(maxsize=1024)
def _passes(name: bytes) -> bool:
    dropped = name in _HOP_BY_HOP or name in _OURS or name in _FORGED
    return not dropped and not name.startswith(_FORGED_PREFIXES)


@lru_cache(maxsize=256)
def _tokens(connection: bytes) -> frozenset[bytes]:
    if not connection:
        return _NO_TOKENS
    return frozenset(token.strip().lower() for token in connection.split(b",")) - {b""}


def _bearer(authorization: bytes) -> str | None:
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return token.strip(b" ").decode("latin-1") if len(token) <= MAX_TOKEN else ""  # which nobody has


def _framing(noted: dict[bytes, bytes], minor: bytes) -> tuple[int | None, bool]:
    length, encoding = noted.get(b"content-length"), noted.get(b"transfer-encoding")
    if encoding is not None:
        if length is not None or minor == b"0" or encoding.lower() != b"chunked":
            raise BadFraming
        return None, True
    if length is None:
        return None, False
    if not length.isdigit() or len(length) > 18:
        raise BadFraming
    return int(length), False


@dataclass(slots=True)
class AnswerHeader:
    """An upstream's header: ``lines`` is what the client gets."""

    lines: bytes
    length: int | None
    chunked: bool
    close: bool


_BANNERS: Final = frozenset({b"server", b"x-powered-by", b"x-request-id"})  # the id: ours is sent
_PASSES, _DROPPED, _LENGTH, _ENCODING, _CONNECTION = range(5)
_READ: Final = {b"content-length": _LENGTH, b"transfer-encoding": _ENCODING, b"connection": _CONNECTION}


@lru_cache(maxsize=1024)
def _kind_of(name: bytes) -> int:
    """What becomes of an answer's field; names repeat, so this is looked up."""
    name = name.lower()
    return _READ.get(name) or (_DROPPED if name in _HOP_BY_HOP or name in _BANNERS else _PASSES)


def read_answer_header(block: bytes) -> AnswerHeader:
    """The header of an answer without what is between us and the upstream only.

    Raises:
        FramingError: it can't be told where the body ends.
    """
    kept: list[bytes] = []
    named = _NO_TOKENS
    length: int | None = None
    chunked = False
    for line in block.split(b"\r\n"):
        kind = _kind_of(line[: line.find(b":")])
        if kind == _PASSES:
            kept.append(line)
        elif kind == _DROPPED:
            continue
        else:
            value = line.partition(b":")[2].strip(b" \t")
            if kind == _CONNECTION:
                named |= _tokens(value)
            elif kind == _LENGTH and length is None and value.isdigit() and len(value) <= 18:
                length = int(value)
            elif kind == _ENCODING and not chunked and value.lower() == b"chunked":
                chunked = True
            else:
                raise FramingError
    if chunked and length is not None:
        raise FramingError
    if named - {b"close", b"keep-alive"}:
        kept = [line for line in kept if line[: line.find(b":")].lower() not in named]
    return AnswerHeader(b"\r\n".join(kept), length, chunked, b"close" in named)
