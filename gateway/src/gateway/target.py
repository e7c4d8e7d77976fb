"""Is the path in its plain form? What two programs can read differently is refused before anything is matched."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.errors import BadTarget, TargetTooLong
from gateway.routes import Route, RouteTable

MAX_TARGET: Final = 8 * 1024

# The segments `.` and `..`, also encoded; `//`; a backslash, `;` or control character; and %2f, %5c, %3b, %00-%1f, %7f;
# and a percent sign that encodes nothing.
_DOT: Final = rb"(?:\.|%2e)"
_ODD: Final = re.compile(
    rb"/" + _DOT + rb"{1,2}(?:/|$)|//|[\\;\x00-\x20\x7f-\xff]|%(?:2f|5c|3b|[01][0-9a-f]|7f|(?![0-9a-f]{2}))",
    re.IGNORECASE,
)


def find_route(table: RouteTable, path: bytes, query: bytes) -> Route | None:
    """The route of a raw request target, or None when nothing is there.

    Raises:
        TargetTooLong: more than 8 KiB with the query.
        BadTarget: not in its plain form.
    """
    if len(path) + len(query) >= MAX_TARGET:
        raise TargetTooLong
    if not path.startswith(b"/") or _ODD.search(path):
        raise BadTarget
    route = table.find(path)
    # The upstream matches the decoded path: what it reads must lead to the same door as what we read.
    if b"%" in path and table.find(unquote_to_bytes(path)) is not route:
        raise BadTarget
    return route
