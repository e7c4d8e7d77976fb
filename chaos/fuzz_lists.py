"""Hostile bytes as lists of ISINs, in every format and as zips. ``chaos/fuzz.py`` runs this.

Whatever comes, it is refused with an error of ours, or what is staged may be published: text for Postgres, and an
ISIN in every line.
"""

import io
import sys
import tempfile
import zipfile
from datetime import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["isin_worker.pipeline", "isin_worker.check_digits", "extractor"]):
    from extractor import is_valid_isin
    from isin_worker.errors import FeedError
    from isin_worker.feeds import Feed
    from isin_worker.feeds.formats import Csv, Firds, Format, Json, Xlsx, Xml
    from isin_worker.pipeline.parse.reader import FileRows
    from isin_worker.testing import make_workbook

PLACE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "list"
LIMIT = 4 * 1024 * 1024
WORKBOOK = make_workbook([["ISIN", "Name"], ["DE0007100000", "Cars"]], shared=True)
PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")


def _feed(form: Format, **more: object) -> Feed:
    columns = {"isin": "ISIN", "name": "Name"} | more.pop("columns", {})  # type: ignore[operator]
    return Feed(
        name="own", title="Own", url="http://lists.example/", due_at=time(1), columns=columns, format=form,
        max_unpacked=LIMIT, **more,
    )  # fmt: skip


CODES = Feed(
    name="codes", title="Codes", url="http://lists.example/", due_at=time(1), columns={"lei": "LEI", "isin": "ISIN"},
    max_unpacked=LIMIT,
)  # fmt: skip
FEEDS = (
    (_feed(Csv()), "full"),
    (_feed(Csv(delimiter=";", header_within=5, sections=True, stated=r"Count: (\d+)"), more_isins=("Other",)), "full"),
    (CODES, "full"),
    (_feed(Json(records="rows", stated="count")), "full"),
    (_feed(Xml(record="Row", stated="Count")), "full"),
    (_feed(Xlsx(stated=r"Count: (\d+)")), "full"),
    (_feed(Firds(categories="ED")), "full"),
    (_feed(Firds(categories="ED")), "delta"),
)


def one_input(data: bytes) -> None:
    """The first byte chooses the format, the second how the rest is packed."""
    if len(data) < 3:
        return
    feed, mode = FEEDS[data[0] % len(FEEDS)]
    PLACE.write_bytes(packed(data[2:], data[1], workbook=isinstance(feed.format, Xlsx)))
    rows = FileRows(feed, PLACE, mode)
    try:
        layout = rows.layout
        batches = list(rows)
    except FeedError:
        return
    place = layout.columns.index("isin")
    for batch in batches:
        for line in batch.copy.decode().splitlines():
            # COPY reads a delimiter behind a backslash as a part of the value.
            plain = line.replace("\\\\", "").replace(f"\\{layout.delimiter}", "")
            if not is_valid_isin(plain.split(layout.delimiter)[place].strip()) or "\0" in line:
                raise AssertionError(f"what is staged may not be published: {line!r}")


def packed(content: bytes, how: int, *, workbook: bool) -> bytes:
    """As it is, in a zip, or as a part of a workbook that is otherwise right."""
    if how % 4 == 0:
        return content
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if how % 2 else zipfile.ZIP_STORED) as archive:
        if workbook:
            instead = PARTS[how // 4 % len(PARTS)]
            with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as right:
                for name in PARTS:
                    archive.writestr(name, content if name == instead else right.read(name))
        else:
            archive.writestr("list", content)
    return file.getvalue()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
