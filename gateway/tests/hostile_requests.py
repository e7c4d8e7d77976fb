"""Requests that nobody honest sends, each with the answer that it has to get. ``{token}`` is the line of a good token.

``None`` as the status: the connection may only be closed. What has an answer below 400 must reach the service as one
request, and all others must not reach any service at all.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """One of them."""

    name: str
    request: bytes
    status: int
    code: str = ""
    closes: bool = True  # nothing that follows on the connection may be read


def _with(
    *lines: str, method: str = "POST", target: str = "/login", body: str = "", version: str = "HTTP/1.1"
) -> bytes:
    return "\r\n".join([f"{method} {target} {version}", *lines, "", body]).encode("latin-1")


def _get(*lines: str, target: str = "/login") -> bytes:
    return _with("Host: a", *lines, method="GET", target=target)


def _post(*lines: str, body: str = "") -> bytes:
    return _with("Host: a", *lines, body=body)


CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = "GET /internal/revocations HTTP/1.1\r\nHost: a\r\n\r\n"
FORGED = "Authorization: Bearer a.b.c"
MALFORMED, FRAMING, TARGET = "malformed-request", "bad-framing", "bad-target"

HOSTILE = [
    # Two ways to see where the body ends
    Hostile("length and chunked", _post("Content-Length: 5", CHUNKED, body="0\r\n\r\n" + SMUGGLED), 400, FRAMING),
    Hostile("chunked and length", _post(CHUNKED, "Content-Length: 5", body="0\r\n\r\n" + SMUGGLED), 400, FRAMING),
    Hostile("two lengths", _post("Content-Length: 0", "Content-Length: 44", body=SMUGGLED), 400, FRAMING),
    Hostile("two equal lengths", _post("Content-Length: 1", "Content-Length: 1", body="a"), 400, FRAMING),
    Hostile("a list of lengths", _post("Content-Length: 1, 1", body="a"), 400, FRAMING),
    Hostile("a signed length", _post("Content-Length: +1", body="a"), 400, FRAMING),
    Hostile("a negative length", _post("Content-Length: -1", body="a"), 400, FRAMING),
    Hostile("a hexadecimal length", _post("Content-Length: 0x1", body="a"), 400, FRAMING),
    Hostile("a length with a blank inside", _post("Content-Length: 1 1", body="a"), 400, FRAMING),
    Hostile("an empty length", _post("Content-Length:", body=SMUGGLED), 400, FRAMING),
    Hostile("a length beyond all numbers", _post("Content-Length: " + "9" * 40, body="a"), 400, FRAMING),
    Hostile("a fractional length", _post("Content-Length: 1.0", body="a"), 400, FRAMING),
    Hostile("another encoding first", _post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"), 400, FRAMING),
    Hostile("chunked twice", _post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n"), 400, FRAMING),
    Hostile("two encodings", _post(CHUNKED, "Transfer-Encoding: identity", body="0\r\n\r\n"), 400, FRAMING),
    Hostile("almost chunked", _post("Transfer-Encoding: xchunked", body="0\r\n\r\n"), 400, FRAMING),
    Hostile("chunked in quotes", _post('Transfer-Encoding: "chunked"', body="0\r\n\r\n"), 400, FRAMING),
    Hostile("chunked after a vertical tab", _post("Transfer-Encoding:\x0bchunked", body="0\r\n\r\n"), 400, MALFORMED),
    Hostile("identity", _post("Transfer-Encoding: identity", body=""), 400, FRAMING),
    Hostile("chunked in HTTP/1.0", _with("Host: a", CHUNKED, version="HTTP/1.0", body="0\r\n\r\n"), 400, FRAMING),
    Hostile("a blank before the colon", _post("Transfer-Encoding : chunked", body="0\r\n\r\n"), 400, MALFORMED),
    Hostile("an encoding under another name", _post("Transfer_Encoding: chunked", body="0\r\n\r\n"), 400, MALFORMED),
    Hostile("a folded encoding", _post("Transfer-Encoding:\r\n chunked", body="0\r\n\r\n"), 400, MALFORMED),
    # Chunks
    Hostile("a chunk size with a sign", _post(CHUNKED, body="+1\r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk size with 0x", _post(CHUNKED, body="0x1\r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk size with a blank", _post(CHUNKED, body="1 \r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk extension", _post(CHUNKED, body="1;a=b\r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk extension with a bare line feed", _post(CHUNKED, body="1;\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk size with a bare line feed", _post(CHUNKED, body="1\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk without its end", _post(CHUNKED, body="1\r\naX0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk that is longer than it says", _post(CHUNKED, body="1\r\nabc\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a chunk size beyond all numbers", _post(CHUNKED, body="f" * 17 + "\r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("an empty chunk size", _post(CHUNKED, body="\r\na\r\n0\r\n\r\n"), 400, FRAMING),
    Hostile("a trailer that is no field", _post(CHUNKED, body="0\r\nGET / HTTP/1.1\r\n\r\n"), 400, FRAMING),
    Hostile("a trailer with a bare line feed", _post(CHUNKED, body="0\r\nA: b\nB: c\r\n\r\n"), 400, FRAMING),
    # Lines
    Hostile("bare line feeds", b"GET /login HTTP/1.1\nHost: a\n\n", 400, MALFORMED),
    Hostile("one bare line feed", b"GET /login HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, MALFORMED),
    Hostile("a bare carriage return", b"GET /login HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, MALFORMED),
    Hostile("a folded line", _get("X: a\r\n b"), 400, MALFORMED),
    Hostile("a folded first line", b"GET /login HTTP/1.1\r\n Host: a\r\n\r\n", 400, MALFORMED),
    Hostile("NUL in a value", _get("X: a\0b"), 400, MALFORMED),
    Hostile("NUL in a name", _get("X\0: b"), 400, MALFORMED),
    Hostile("a control character in a value", _get("X: a\x01b"), 400, MALFORMED),
    Hostile("an underscore in a name", _get("X_User_Id: 1"), 400, MALFORMED),
    Hostile("a bracket in a name", _get("X[0]: 1"), 400, MALFORMED),
    Hostile("an umlaut in a name", _get("X\xe4: 1"), 400, MALFORMED),
    Hostile("an empty name", _get(": 1"), 400, MALFORMED),
    Hostile("a line without a colon", _get("X"), 400, MALFORMED),
    Hostile("no version", b"GET /login\r\n\r\n", 400, MALFORMED),
    Hostile("HTTP/2.0", _with("Host: a", method="GET", version="HTTP/2.0"), 400, MALFORMED),
    Hostile("HTTP/1.2", _with("Host: a", method="GET", version="HTTP/1.2"), 400, MALFORMED),
    Hostile("a version in lower case", _with("Host: a", method="GET", version="http/1.1"), 400, MALFORMED),
    Hostile("two blanks in the first line", b"GET  /login HTTP/1.1\r\nHost: a\r\n\r\n", 400, MALFORMED),
    Hostile("a tab in the first line", b"GET\t/login HTTP/1.1\r\nHost: a\r\n\r\n", 400, MALFORMED),
    Hostile("a blank in the address", b"GET /lo gin HTTP/1.1\r\nHost: a\r\n\r\n", 400, MALFORMED),
    Hostile("an empty line first", b"\r\nGET /login HTTP/1.1\r\nHost: a\r\n\r\n", 400, MALFORMED),
    Hostile("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, MALFORMED),
    Hostile("the beginning of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, MALFORMED),
    Hostile("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400, MALFORMED),
    # Fields that may come once
    Hostile("no host", _with(method="GET"), 400, TARGET),
    Hostile("two hosts", _get("Host: b"), 400, FRAMING),
    Hostile("a host with a path", _with("Host: a/b", method="GET"), 400, TARGET),
    Hostile("a host with a user", _with("Host: a@b", method="GET"), 400, TARGET),
    Hostile("two tokens", _get("Authorization: Bearer a", "Authorization: Bearer b"), 400, FRAMING),
    Hostile("two keys", _get("Idempotency-Key: a", "Idempotency-Key: b"), 400, FRAMING),
    Hostile("several ranges", _get("Range: bytes=0-1,2-3"), 416, "too-many-ranges"),
    Hostile("two ranges", _get("Range: bytes=0-1", "Range: bytes=2-3"), 400, FRAMING),
    # Addresses
    Hostile("dot segments", _get(target="/api/v1/apps/../../../internal/revocations"), 400, TARGET, closes=False),
    Hostile("encoded dot segments", _get(target="/api/v1/apps/%2e%2e/users"), 400, TARGET, closes=False),
    Hostile("an encoded slash", _get(target="/api/v1/apps%2f..%2finternal"), 400, TARGET, closes=False),
    Hostile("an encoded letter before the prefix", _get(target="/%69nternal/revocations"), 400, TARGET, closes=False),
    Hostile("a double slash", _get(target="//internal/revocations"), 400, TARGET, closes=False),
    Hostile("a path parameter", _get(target="/internal;a/revocations"), 400, TARGET, closes=False),
    Hostile("a backslash", _get(target="/internal\\revocations"), 400, TARGET, closes=False),
    Hostile("encoded NUL", _get(target="/login%00"), 400, TARGET, closes=False),
    Hostile("an encoded line break", _get(target="/login%0d%0aX:%20y"), 400, TARGET, closes=False),
    Hostile("a fragment", _get(target="/login#a"), 400, TARGET, closes=False),
    Hostile("another host in the address", _get(target="http://b/login"), 400, TARGET, closes=False),
    Hostile("a user in the address", _get(target="http://x@a/login"), 400, TARGET, closes=False),
    Hostile("another scheme", _get(target="file:///etc/passwd"), 400, TARGET, closes=False),
    Hostile("an address without a slash", _get(target="login"), 400, TARGET, closes=False),
    Hostile("an asterisk", _with("Host: a", method="OPTIONS", target="*"), 400, TARGET, closes=False),
    Hostile("a tunnel", _with("Host: a:443", method="CONNECT", target="a:443"), 400, TARGET, closes=False),
    Hostile("the inside", _get(target="/internal/revocations"), 404, "not-found", closes=False),
    Hostile("TRACE", _with("Host: a", method="TRACE"), 405, "method-not-allowed", closes=False),
    # Too much
    Hostile("a long address", _get(target="/" + "a" * 9000), 414, "target-too-long", closes=False),
    Hostile("an endless first line", b"GET /" + b"a" * 50_000, 414, "target-too-long"),
    Hostile("many fields", _get(*(f"X-{number}: 1" for number in range(101))), 431, "headers-too-large"),
    Hostile("many repeated fields", _get(*(["X: 1"] * 3000)), 431, "headers-too-large"),
    Hostile("a large field", _get("X: " + "a" * 33_000), 431, "headers-too-large"),
    Hostile("endless fields", b"GET /login HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000, 431, "headers-too-large"),
    Hostile("a large body", _post("Content-Length: 9437185"), 413, "content-too-large"),
    # Other doors
    Hostile("a WebSocket", _get("Connection: Upgrade", "Upgrade: websocket"), 501, "no-websocket"),
    Hostile(
        "a forged token", _get("Authorization: Bearer a.b.c", target="/api/v1/points"), 401, "invalid-token", False
    ),
    Hostile("no token", _get(target="/api/v1/points"), 401, "unauthenticated", closes=False),
]
