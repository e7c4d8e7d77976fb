"""Keyset pages. A cursor is opaque and signed: a forged one, or one of another list, is refused."""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from fastapi import Query, Request, Response

from servicekit.problems import InvalidCursor
from servicekit.settings import StrongSecret

SIGNATURE_BYTES = 12
MAX_CURSOR = 1024

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most")]
CursorParam = Annotated[str | None, Query(max_length=MAX_CURSOR, description="The `next_cursor` of the page before")]


class Cursors:
    """Makes and reads cursors: the sort key of the last row, bound to the list (its name, sort and filters)."""

    def __init__(self, secret: StrongSecret) -> None:
        self._key = hashlib.sha256(b"cursor:" + secret.get_secret_value().encode()).digest()

    def encode(self, scope: str, position: list[Any]) -> str:
        """The cursor that follows ``position`` in the list ``scope``."""
        payload = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(self._sign(scope, payload) + payload).decode().rstrip("=")

    def decode(self, scope: str, cursor: str, name: str = "cursor") -> list[Any]:
        """The position that ``encode`` got for this ``scope``. Raises InvalidCursor for the parameter ``name``."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor(name) from error
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(scope, payload)):
            raise InvalidCursor(name)
        position: list[Any] = msgspec.json.decode(payload)
        return position

    def _sign(self, scope: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + payload, "sha256")[:SIGNATURE_BYTES]


def add_next_link(request: Request, response: Response, cursor: str | None) -> None:
    """Say where the next page is (RFC 8288), relative to whatever door the client came through."""
    if cursor is None:
        return
    query = [
        (name, value) for name, value in parse_qsl(request.scope["query_string"].decode("latin-1")) if name != "cursor"
    ]
    # The path was decoded on its way here: without quoting, a caller could write header lines of their own.
    path = quote(request.scope["path"])
    response.headers["Link"] = f'<{path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'
