"""What is asked of a picture, and what comes back."""

from dataclasses import dataclass

MEDIA_TYPE = "image/png"
THUMBNAIL_MEDIA_TYPE = "image/webp"


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits for one kind of picture."""

    min_side: int = 320  # pixels, the shorter side
    max_pixels: int = 25_000_000
    max_encoded: int = 32 * 1024 * 1024  # bytes of the new picture: noise grows by a factor of ten without loss
    thumbnail_side: int = 480  # pixels, the longer side


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture made anew from the pixels of another: nothing else of the original is left."""

    content: bytes  # image/png
    thumbnail: bytes  # image/webp
    width: int  # pixels, upright
    height: int
    pixels_sha256: str  # of size and pixels: the same for any encoding without loss
    dhash: int  # of what it looks like, 64 bits with a sign: see `media.likeness`
