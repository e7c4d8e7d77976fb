"""What lists say of their own length, in every format, beside the rows that they have."""

import json
from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Csv, Format, Json, Xlsx, Xml
from isin_worker.pipeline.batches import Statement
from isin_worker.pipeline.parse.reader import FileRows
from isin_worker.testing import make_isin, make_workbook

ISINS = [make_isin(number) for number in range(3)]
TABLE = [["ISIN", "Name"], *([isin, "A"] for isin in ISINS)]
RECORDS = [{"ISIN": isin, "Name": "A"} for isin in ISINS]
ELEMENTS = "".join(f"<Row><ISIN>{isin}</ISIN><Name>A</Name></Row>" for isin in ISINS)


def csv_of(*lines: list[str]) -> bytes:
    return "".join(f"{';'.join(line)}\n" for line in lines).encode()


Write = Callable[[str], bytes]
SHAPES: dict[str, tuple[Format, Write]] = {
    "csv-trailer": (
        Csv(delimiter=";", stated=r"^END;(.+)$"),
        lambda count: csv_of(*TABLE, ["END", count]),
    ),
    "csv-preamble": (
        Csv(delimiter=";", stated="^(.+) securities", header_within=3),
        lambda count: csv_of([f"{count} securities"], [""], *TABLE),
    ),
    "csv-with-headings": (
        Csv(delimiter=";", sections=True, stated="Total: (.+)"),
        lambda count: csv_of(*TABLE[:2], ["Shares"], *TABLE[2:], [f"Total: {count}"]),
    ),
    "workbook-preamble": (
        Xlsx(stated="Securities;(.+)"),
        lambda count: make_workbook([["Securities", count], *TABLE]),
    ),
    "workbook-trailer": (
        Xlsx(stated="([^;]+) rows"),
        lambda count: make_workbook([*TABLE, ["", f"{count} rows"]], shared=True),
    ),
    "json-after": (
        Json(records="rows", stated="meta.total"),
        lambda count: json.dumps({"rows": RECORDS, "meta": {"total": count}}).encode(),
    ),
    "json-before": (
        Json(records="rows", stated="total"),
        lambda count: json.dumps({"total": int(count) if count.isdigit() else None, "rows": RECORDS}).encode(),
    ),
    "xml-attribute": (
        Xml(record="Row", stated="List/@total"),
        lambda count: f'<x:List xmlns:x="urn:x" total="{count}">{ELEMENTS}</x:List>'.encode(),
    ),
    "xml-before": (
        Xml(record="Row", stated="Head/Count"),
        lambda count: f"<List><Head><Count> {count} </Count></Head>{ELEMENTS}</List>".encode(),
    ),
    "xml-after": (
        Xml(record="Row", stated="Count"),
        lambda count: f"<List>{ELEMENTS}<Tail><Count>{count}</Count></Tail></List>".encode(),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("written", "stated"), [("3", 3), ("4", 4), ("many", None)])
def test_a_file_says_how_many_rows_it_has_and_that_line_is_none_of_them(
    shape: str, written: str, stated: int | None, tmp_path: Path
) -> None:
    form, write = SHAPES[shape]
    columns = {"isin": "ISIN", "name": "Name"}
    feed = Feed(name="own", title="Own", url="http://lists.example/", due_at=time(1), columns=columns, format=form)
    path = tmp_path / "list"
    path.write_bytes(write(written))
    batches = list(FileRows(feed, path))
    refused = [row for batch in batches for row in batch.refused]
    # Without a number in it, a line of a table is a row like any other, and a bad one.
    no_number = stated is None and shape in {"csv-trailer", "workbook-trailer"}
    assert (sum(batch.rows for batch in batches), len(refused)) == ((4, 1) if no_number else (3, 0))
    assert [batch.statement for batch in batches if batch.statement] == [Statement(stated, 4 if no_number else 3)]


@pytest.mark.parametrize(
    ("form", "content", "stated"),
    [
        (Json(records="rows", stated="meta.total"), json.dumps({"rows": RECORDS}), None),
        (Xml(record="Row", stated="Count"), f"<List>{ELEMENTS}</List>", None),
        (Xml(record="Row", stated="List/Head/@total"), f'<List><Head total="3"/>{ELEMENTS}</List>', 3),
        (Xml(record="Row", stated="Count"), f"<List><Count>{' ' * 99}3</Count>{ELEMENTS}</List>", 3),
        (Xml(record="Row", stated="Count"), f"<List><Count>{' ' * 100}3</Count>{ELEMENTS}</List>", None),  # no end
        (Json(records="rows", stated="total"), json.dumps({"rows": RECORDS, "total": 3.0}), 3),
        (Xml(record="Row", stated="Head"), f"<List>\n<Head>\n<Note>of</Note> 3\n</Head>\n{ELEMENTS}\n</List>", 3),
    ],
)
def test_a_place_is_looked_for_wherever_it_is_and_may_be_nowhere(
    form: Format, content: str, stated: int | None, tmp_path: Path
) -> None:
    columns = {"isin": "ISIN", "name": "Name"}
    feed = Feed(name="own", title="Own", url="http://lists.example/", due_at=time(1), columns=columns, format=form)
    path = tmp_path / "list"
    path.write_text(content)
    assert [batch.statement for batch in FileRows(feed, path) if batch.statement] == [Statement(stated, 3)]


@pytest.mark.parametrize(
    "number", ["2,384", "2 384", "2.384", "2'384", "2\u2019384", "2\N{NO-BREAK SPACE}384", "2384.0"]
)
def test_numbers_may_be_written_as_people_do(number: str, tmp_path: Path) -> None:
    form = Csv(delimiter=";", stated="Total: (.+)")
    feed = Feed(
        name="own", title="Own", url="http://lists.example/", due_at=time(1), columns={"isin": "ISIN"}, format=form
    )
    path = tmp_path / "list"
    path.write_text(f"ISIN\n{ISINS[0]}\nTotal: {number}\n")
    assert [batch.statement for batch in FileRows(feed, path) if batch.statement] == [Statement(2384, 1)]
