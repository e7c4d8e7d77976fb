"""Cells as COPY's text format has them."""

import json

from isin_worker.pipeline.batches import StageLayout
from isin_worker.pipeline.parse.validate import FIELDS, Entry

EVERY_FIELD = StageLayout(columns=("number", "isin", *FIELDS, "details"))
"""What a list of any kind can be staged as."""


def entry_line(entry: Entry, layout: StageLayout = EVERY_FIELD) -> str:
    r"""An entry as a line of COPY's text format: ``\N`` for null, and what means something there escaped."""
    fields = dict(zip(FIELDS, entry.fields, strict=True))
    cells: dict[str, str | None] = {"number": str(entry.number), "isin": entry.isin, **fields}
    if "details" in layout.columns:
        cells["details"] = json.dumps(entry.details, ensure_ascii=False)
    return layout.delimiter.join([escaped(cells[column], layout.delimiter) for column in layout.columns]) + "\n"


def escaped(cell: str | None, delimiter: str = "\t") -> str:
    """A cell that stands between ``delimiter``."""
    if cell is None:
        return r"\N"
    plain = cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return plain if delimiter == "\t" else plain.replace(delimiter, f"\\{delimiter}")
