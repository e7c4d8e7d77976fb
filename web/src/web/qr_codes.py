"""QR codes (ISO/IEC 18004), drawn on the server: the secret in it goes to no other place."""

from dataclasses import dataclass

import segno

QUIET = 4  # modules of empty border, as the standard wants


@dataclass(frozen=True)
class QrCode:
    """A path of dark modules in a square of ``size`` modules."""

    size: int
    path: str


def qr_code(content: str) -> QrCode:
    """The code for ``content``, each run of dark modules one rectangle of the path."""
    rows = [bytes(row) for row in segno.make_qr(content, error="m").matrix_iter(border=QUIET)]
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            run = next((n for n in range(x, len(row)) if not row[n]), len(row)) - x
            if run:
                parts.append(f"M{x} {y}h{run}v1h-{run}z")
            x += max(run, 1)
    return QrCode(len(rows), "".join(parts))
