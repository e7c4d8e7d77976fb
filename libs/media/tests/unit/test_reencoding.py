"""What becomes of a picture: only its pixels go on."""

import io
import struct
import zipfile
import zlib
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from media.errors import Animated, PictureError, TooLarge, TooSmall, Undecodable, UnknownFormat
from media.formats import sniff
from media.picture import Rules
from media.reencode import reencode

RULES = Rules()


def screenshot(width: int = 360, height: int = 640) -> Image.Image:
    image = Image.new("RGB", (width, height), (245, 245, 245))
    draw = ImageDraw.Draw(image)
    for row in range(0, height, 40):
        draw.rectangle((0, row, width // 2, row + 20), fill=(row % 255, 80, 160))
    return image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_format_becomes_a_png_of_the_same_size_with_a_thumbnail(kind: str) -> None:
    picture = reencode(encoded(screenshot(), kind), RULES)
    image, thumbnail = opened(picture.content), opened(picture.thumbnail)
    assert (image.format, image.size, thumbnail.format) == ("PNG", (360, 640), "WEBP")
    assert (picture.width, picture.height) == (360, 640)
    assert max(thumbnail.size) == 480


def test_the_pixels_of_a_picture_without_loss_are_unchanged() -> None:
    picture = reencode(encoded(screenshot(), "PNG"), RULES)
    assert opened(picture.content).tobytes() == screenshot().tobytes()


def test_the_pixel_digest_is_that_of_the_pixels_whatever_the_encoding() -> None:
    same = {
        reencode(content, RULES).pixels_sha256
        for content in (
            encoded(screenshot(), "PNG"),
            encoded(screenshot(), "PNG", compress_level=0),
            encoded(screenshot(), "WEBP", lossless=True),
            encoded(screenshot().convert("RGBA"), "PNG"),
        )
    }
    assert len(same) == 1
    other = screenshot()
    other.putpixel((0, 0), (0, 0, 0))
    assert reencode(encoded(other, "PNG"), RULES).pixels_sha256 not in same


def test_transparency_is_kept() -> None:
    image = screenshot().convert("RGBA")
    image.putpixel((5, 5), (1, 2, 3, 0))
    assert opened(reencode(encoded(image, "PNG"), RULES).content).getpixel((5, 5)) == (1, 2, 3, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_plainer_kinds_of_pixels_are_taken(mode: str) -> None:
    assert reencode(encoded(screenshot().convert(mode), "PNG"), RULES).width == 360


def test_a_picture_stored_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = reencode(encoded(screenshot(640, 360), "JPEG", exif=exif), RULES)
    assert (picture.width, picture.height) == (360, 640)
    assert opened(picture.content).size == (360, 640)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_place_device_and_colour_profile_are_gone(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CANARY-MAKER"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    content = encoded(screenshot(), kind, exif=exif, icc_profile=b"CANARY-PROFILE" * 20)
    assert b"CANARY-MAKER" in content
    picture = reencode(content, RULES)
    for made in (picture.content, picture.thumbnail):
        assert b"CANARY" not in made
        assert not opened(made).getexif()
        assert "icc_profile" not in opened(made).info


def test_a_comment_in_a_jpeg_is_gone() -> None:
    content = encoded(screenshot(), "JPEG", comment=b"CANARY-COMMENT")
    assert b"CANARY-COMMENT" in content
    picture = reencode(content, RULES)
    assert b"CANARY" not in picture.content + picture.thumbnail


def test_what_is_appended_to_a_picture_is_gone() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("canary.html", "<script>alert(1)</script>")
    polyglot = encoded(screenshot(), "PNG") + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(polyglot))
    picture = reencode(polyglot, RULES)
    assert not zipfile.is_zipfile(io.BytesIO(picture.content))
    assert b"canary" not in picture.content


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_xmp_is_gone(kind: str) -> None:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>CANARY-XMP</x:xmpmeta>"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    options: dict[str, Any] = {"pnginfo": info} if kind == "PNG" else {"xmp": xmp}
    content = encoded(screenshot(), kind, **options)
    assert b"CANARY-XMP" in content
    picture = reencode(content, RULES)
    assert b"CANARY" not in picture.content + picture.thumbnail


def test_a_page_inside_a_picture_is_gone() -> None:
    script = b"<html><script>alert('CANARY')</script></html>"
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", script.decode())
    for content in (
        encoded(screenshot(), "PNG", pnginfo=info) + script,
        encoded(screenshot(), "JPEG", comment=b"*/=1;alert('CANARY')/*") + script,
        encoded(screenshot(), "WEBP", xmp=script) + script,
    ):
        picture = reencode(content, RULES)
        assert b"CANARY" not in picture.content + picture.thumbnail


def test_print_colours_become_those_of_a_screen() -> None:
    picture = reencode(encoded(screenshot().convert("CMYK"), "JPEG"), RULES)
    assert opened(picture.content).mode == "RGB"


def test_colours_of_16_bits_become_8() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 320, 16, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + b"\x80\x01\x40\x02\x20\x03" * 320) * 320)
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    made = opened(reencode(content, RULES).content)
    assert (made.mode, made.getpixel((7, 7))) == ("RGB", (0x80, 0x40, 0x20))


def test_a_palette_with_a_transparent_colour_keeps_it() -> None:
    image = screenshot().convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    see_through = image.getpixel((5, 5))
    made = opened(reencode(encoded(image, "PNG", transparency=see_through), RULES).content)
    assert made.mode == "RGBA"
    assert made.getpixel((5, 5))[3] == 0  # type: ignore[index]  # a pixel of four bands is a tuple


def test_one_row_too_many_is_refused_and_a_lossless_copy_tells_the_limit() -> None:
    with pytest.raises(TooLarge, match="25,000,000"):
        reencode(encoded(Image.new("1", (5000, 5001)), "PNG"), RULES)


def test_pictures_that_look_alike_have_hashes_that_are_near() -> None:
    def differs(one: Image.Image, other: Image.Image, kind: str = "PNG", **options: Any) -> int:
        hashes = [reencode(encoded(one, "PNG"), RULES).dhash, reencode(encoded(other, kind, **options), RULES).dhash]
        assert all(-(2**63) <= number < 2**63 for number in hashes)
        return ((hashes[0] ^ hashes[1]) & (2**64 - 1)).bit_count()

    page = Image.effect_noise((6, 8), 90).resize((360, 640)).convert("RGB")
    assert differs(page, page, "JPEG", quality=60) <= 4
    assert differs(page, page.resize((540, 960)), "WEBP", quality=70) <= 4
    assert differs(page, page.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 10


def _animated(kind: str) -> bytes:
    frames = [screenshot(), screenshot().rotate(180)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", UnknownFormat, id="nothing"),
        pytest.param(b"%PDF-1.7 ...", UnknownFormat, id="a document"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnknownFormat, id="svg"),
        pytest.param(encoded(screenshot(), "GIF"), UnknownFormat, id="gif"),
        pytest.param(encoded(screenshot(), "BMP"), UnknownFormat, id="bmp"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), Undecodable, id="only the first bytes of a PNG"),
        pytest.param(b"RIFF\x10\x00\x00\x00WEBP" + bytes(50), Undecodable, id="only the first bytes of a WebP"),
        pytest.param(encoded(screenshot(), "PNG")[:-200], Undecodable, id="truncated PNG"),
        pytest.param(encoded(screenshot(), "JPEG")[:-400], Undecodable, id="truncated JPEG"),
        pytest.param(encoded(screenshot(), "WEBP")[:-400], Undecodable, id="truncated WebP"),
        pytest.param(_animated("PNG"), Animated, id="animated PNG"),
        pytest.param(_animated("WEBP"), Animated, id="animated WebP"),
        pytest.param(encoded(screenshot(5, 5), "PNG"), TooSmall, id="5 x 5"),
        pytest.param(encoded(screenshot(319, 640), "PNG"), TooSmall, id="one pixel too narrow"),
        pytest.param(encoded(Image.new("1", (5001, 5000)), "PNG"), TooLarge, id="one column too many"),
        pytest.param(encoded(Image.new("I;16", (400, 400)), "PNG"), Undecodable, id="16 bits"),
    ],
)
def test_what_is_no_plain_picture_is_refused(content: bytes, error: type[PictureError]) -> None:
    with pytest.raises(error):
        reencode(content, RULES)


def test_a_picture_at_the_limits_is_taken() -> None:
    assert reencode(encoded(screenshot(320, 320), "PNG"), RULES).width == 320
    assert reencode(encoded(Image.new("1", (5000, 5000)), "PNG"), RULES).width == 5000


def test_too_much_detail_is_refused() -> None:
    noise = Image.effect_noise((400, 400), 100)
    with pytest.raises(TooLarge, match="detail"):
        reencode(encoded(noise, "PNG"), Rules(max_encoded=10_000))


def test_a_huge_picture_is_refused_before_it_is_decoded(bomb: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_image: Image.Image) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(TooLarge):
        reencode(bomb, RULES)


def test_the_beginning_tells_the_format() -> None:
    assert [sniff(encoded(screenshot(), kind)[:12]) for kind in ("PNG", "JPEG", "WEBP")] == ["PNG", "JPEG", "WEBP"]
