"""Every word that the pages say. Another language is another package with the same keys as ``english``.

``{names}`` are filled in; what is filled in is escaped by the templates like any value.
"""

from web.texts.english import ENGLISH

__all__ = ["ENGLISH", "counted", "text", "text_or_none"]


def text(key: str, **values: object) -> str:
    """The words under ``key``. Raises KeyError when there are none."""
    words = ENGLISH[key]
    return words.format(**values) if values else words


def text_or_none(key: str) -> str | None:
    """The words under ``key``, if there are any."""
    return ENGLISH.get(key)


def counted(key: str, n: int) -> str:
    """A number of things, with separators: ``1 point``, ``1,250 points``."""
    return text(f"{key}.{'one' if n == 1 else 'other'}", n=f"{n:,}")
