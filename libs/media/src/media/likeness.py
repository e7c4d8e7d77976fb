"""A number for what a picture looks like: pictures that look alike have numbers that differ in few bits.

The difference hash: the picture is made 9 x 8 grey pixels, and each bit says whether one is brighter than its right
neighbour. It outlasts scaling and re-encoding, but not a crop, and honest screenshots of the same page of an app can't
be told from re-used ones by it. So it may show a person what to compare, and must never decide anything.
"""

from PIL import Image

_WIDTH, _HEIGHT = 9, 8


def dhash(image: Image.Image) -> int:
    """The difference hash of ``image``, as the signed 64-bit integer that a database keeps."""
    grey = image.convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(_HEIGHT):
        for left in range(row * _WIDTH, (row + 1) * _WIDTH - 1):
            bits = bits << 1 | (grey[left] > grey[left + 1])
    return int.from_bytes(bits.to_bytes(8), signed=True)
