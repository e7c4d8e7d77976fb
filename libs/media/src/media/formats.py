"""Which picture formats are taken, told by content: names and declared types are never believed."""

from typing import Literal

from media.errors import UnknownFormat

Format = Literal["PNG", "JPEG", "WEBP"]
HEAD_BYTES = 12


def sniff(head: bytes) -> Format:
    """The format of content that begins with ``head`` (at least 12 bytes of it).

    An early and cheap answer only: that the rest is a picture too is known after decoding.

    Raises:
        UnknownFormat: it begins like none of the three.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    raise UnknownFormat("The file is not a PNG, JPEG or WebP picture.")
