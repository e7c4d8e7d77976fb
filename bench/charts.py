"""A bar for each figure, with a whisker from its lowest to its highest value: SVG that reads in light and dark."""

from typing import Any
from xml.sax.saxutils import escape

STYLE = (
    "text{font:13px sans-serif;fill:#555}rect{fill:#4c8bb8}path{stroke:#888;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#bbb}}"
)
ROW, LABEL, WIDTH, VALUE = 22, 330, 360, 90


def bars(lines: list[dict[str, Any]]) -> str:
    """The figures, which have one unit, as bars from zero."""
    scale = WIDTH / max(line["high"] for line in lines)
    height = ROW * len(lines) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + WIDTH + VALUE}" height="{height}" role="img">',
        f"<style>{STYLE}</style>",
    ]
    for place, line in enumerate(lines):
        middle = place * ROW + ROW / 2 + 4
        low, high = (LABEL + line[end] * scale for end in ("low", "high"))
        value = f"{line['median']:,.0f}" if line["median"] >= 100 else f"{line['median']:.3g}"
        parts += [
            f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(line["what"])}</text>',
            f'<rect x="{LABEL}" y="{middle - 7}" width="{line["median"] * scale:.1f}" height="14"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}"/>',
            f'<text x="{high + 6:.1f}" y="{middle + 4}">{value} {escape(line["unit"])}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])
