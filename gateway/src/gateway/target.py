"""Is the path in its plain form? What two programs can read differently is refused before anything is matched."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.errors import BadTarget, TargetTooLong
from gateway.routes import Entry, RouteTable

MAX_TARGET: Final = 8 * 1024

# The segments `.` and `..`, also encoded; `//`; a backslash, `;`, `#` or control character; and %2f, %5c, %3b, %00-%1f,
# %7f; and a percent sign that encodes nothing.
_DOT: Final = rb"(?:\.|%2e)"
_ODD: Final = re.compile(
    rb"/" + _DOT + rb"{1,2}(?:/|$)|//|[\\;#\x00-\x20\x7f-\xff]|%(?:2f|5c|3b|[01][0-9a-f]|7f|(?![0-9a-f]{2}))",
    re.IGNORECASE,
)
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)(/[^#]*)", re.IGNORECASE)


def origin_form(target: bytes, host: bytes) -> bytes:
    """A target as ``/path?query``: of the absolute form only what leads to the host that is asked anyway.

    Raises:
        TargetTooLong: more than 8 KiB.
        BadTarget: neither form, or another host.
    """
    if len(target) > MAX_TARGET:
        raise TargetTooLong
    if target.startswith(b"/"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or absolute[1].lower() != host.lower():
        raise BadTarget
    return absolute[2]


def find_route(table: RouteTable, path: bytes) -> Entry | None:
    """The route of a raw path, or None when nothing is there.

    Raises:
        BadTarget: not in its plain form.
    """
    if not path.startswith(b"/") or _ODD.search(path):
        raise BadTarget
    entry = table.find(path)
    # The upstream matches the decoded path: what it reads must lead to the same door as what we read.
    if b"%" in path and table.find(unquote_to_bytes(path)) is not entry:
        raise BadTarget
    return entry
