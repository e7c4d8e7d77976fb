"""Pixels out of an untrusted file and into a new picture. Runs in the sandbox, never in a service's own process."""

import hashlib
import io

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from media.errors import Animated, PictureError, TooLarge, TooSmall, Undecodable
from media.formats import sniff
from media.likeness import dhash
from media.picture import Picture, Rules

# Importing the three plugins here keeps Pillow from loading its other forty when it meets a WebP.
_PLUGINS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_STRIP_ROWS = 256

Image.MAX_IMAGE_PIXELS = None  # our own limit is looked at before anything is decoded


def reencode(content: bytes, rules: Rules) -> Picture:
    """A new picture with the pixels of ``content``, upright, without metadata or trailing bytes.

    The result is PNG: WebP without loss would be smaller, but takes up to 840 MB to encode 25 Mpx and PNG 2 MB, which
    lets the sandbox be tight.

    Raises:
        UnknownFormat, Undecodable, Animated, TooSmall, TooLarge: see there.
    """
    kind = sniff(content)
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as source:
            _check(source, kind, rules)
            source.load()
            clean = _new_from(source)
        return _encode(clean, rules)
    except PictureError:
        raise
    except MemoryError as error:
        raise TooLarge("The picture needs too much memory to decode.") from error
    except Exception as error:  # decoders fail in many ways, SyntaxError among them
        raise Undecodable("The picture is damaged or incomplete.") from error


def _check(source: Image.Image, kind: str, rules: Rules) -> None:
    width, height = source.size
    if width * height > rules.max_pixels:
        raise TooLarge(f"The picture has {width} x {height} pixels; {rules.max_pixels:,} are the most.")
    if min(width, height) < rules.min_side:
        raise TooSmall(f"The picture has {width} x {height} pixels; the shorter side needs {rules.min_side}.")
    # A JPEG's further frames are a camera's extras (previews, gain maps): the first is the picture.
    if kind != "JPEG" and getattr(source, "is_animated", False):
        raise Animated("Animated pictures are not taken.")
    if source.mode in _DEEP_MODES:
        raise Undecodable("Greyscale pictures of 16 bits are not taken.")


def _new_from(source: Image.Image) -> Image.Image:
    """The pixels in a new image, as nothing else can be trusted to stay behind."""
    ImageOps.exif_transpose(source, in_place=True)
    plain = source
    if source.mode not in {"RGB", "RGBA"}:
        plain = source.convert("RGBA" if source.has_transparency_data else "RGB")
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")  # the same pixels whether or not an unused alpha channel came along
    clean = Image.new(plain.mode, plain.size)
    clean.paste(plain)
    return clean


def _encode(clean: Image.Image, rules: Rules) -> Picture:
    content = io.BytesIO()
    clean.save(content, "PNG")
    if content.tell() > rules.max_encoded:
        raise TooLarge("The picture has too much detail for a screenshot.")
    small = clean.resize(_fit(clean.size, rules.thumbnail_side), Image.Resampling.BOX, reducing_gap=2.0)
    thumbnail = io.BytesIO()
    small.save(thumbnail, "WEBP", quality=80)
    return Picture(
        content=content.getvalue(),
        thumbnail=thumbnail.getvalue(),
        width=clean.width,
        height=clean.height,
        pixels_sha256=_pixels_sha256(clean),
        dhash=dhash(small),
    )


def _fit(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _pixels_sha256(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height}\n".encode())
    for top in range(0, image.height, _STRIP_ROWS):  # all at once would double the memory
        digest.update(image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height))).tobytes())
    return digest.hexdigest()
