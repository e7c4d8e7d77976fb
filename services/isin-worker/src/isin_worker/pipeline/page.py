"""Telling a page from a list: servers that keep robots out answer with one, often as if it were the list."""

import re
from html import unescape

LOOKED_AT = 64 * 1024
"""Bytes of an answer in which its title is looked for."""
LONGEST_TITLE = 100
_BEGINS_A_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script|iframe)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)


def page_told(start: bytes) -> str | None:
    """The words for an answer that begins so, if it is a page of HTML: with its title, where it has one."""
    text = start[:LOOKED_AT].decode("utf-8-sig", errors="replace")
    if not _BEGINS_A_PAGE.match(text):
        return None
    found = _TITLE.search(text)
    words = "".join(c if c.isprintable() else " " for c in unescape(found[1])).split() if found else []
    title = " ".join(words)[:LONGEST_TITLE]
    return f"a page, “{title}”" if title else "a page without a title"
