"""Small files with the mess of real ones, in every format, through the reader that the pipeline uses."""

import io
import json
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isin_worker.errors import FeedError, HeaderDrift, UnreadableList
from isin_worker.feeds import Feed, declared_feeds
from isin_worker.feeds.formats import Csv, Format, Json, Xlsx, Xml
from isin_worker.pipeline.batches import Batch, Refused
from isin_worker.pipeline.parse.reader import FileRows
from isin_worker.testing import make_isin, make_workbook, make_zip

NAMED = {"isin": "ISIN", "name": "Name"}


def feed_of(form: Format, **changes: object) -> Feed:
    declared = Feed(name="own", title="Own", url="http://lists.example/", due_at=time(1), columns=NAMED, format=form)
    return replace(declared, **changes)  # type: ignore[arg-type]  # what is changed is up to each test


def read(content: bytes, feed: Feed, tmp_path: Path) -> list[Batch]:
    path = tmp_path / "list"
    path.write_bytes(content)
    return list(FileRows(feed, path))


def staged(batches: list[Batch]) -> list[list[str]]:
    """Number, ISIN and name of each staged row."""
    return [line.split("\t")[:3] for batch in batches for line in batch.copy.decode().splitlines()]


def refused(batches: list[Batch]) -> list[Refused]:
    return [row for batch in batches for row in batch.refused]


def test_a_preamble_before_the_header_is_passed_over(tmp_path: Path) -> None:
    content = f"Market:;XETR\nDate Last Update:;18.04.2019\nStatus;instrument;ISIN\nActive;A;{make_isin(1)}\n".encode()
    rows = read(
        content, feed_of(Csv(delimiter=";", header_within=10), columns={"isin": "ISIN", "name": "Instrument"}), tmp_path
    )
    assert staged(rows) == [["4", make_isin(1), "A"]]


def test_a_header_that_comes_too_late_is_none(tmp_path: Path) -> None:
    content = b"\n".join([b"a;b"] * 10 + [b"ISIN;Name"])
    with pytest.raises(HeaderDrift, match="no column ISIN, Name"):
        read(content, feed_of(Csv(delimiter=";", header_within=10)), tmp_path)


def test_a_list_without_a_header_has_the_declared_names(tmp_path: Path) -> None:
    content = f"A;{make_isin(1)}\rB;{make_isin(2)}".encode()
    rows = read(content, feed_of(Csv(delimiter=";", names=("Name", "ISIN"))), tmp_path)
    assert staged(rows) == [["1", make_isin(1), "A"], ["2", make_isin(2), "B"]]


def test_the_funds_of_india_have_two_isins_a_row_and_headings_between_rows(tmp_path: Path) -> None:
    lines = [
        "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date",
        " ",
        "Open Ended Schemes(Debt Scheme)",
        " ",
        "A Mutual Fund",
        f"1;{make_isin(1)};{make_isin(2)};Fund one;10.1;25-Feb-2025",
        f"2;{make_isin(3)};-;Fund two;10.2;25-Feb-2025",
        "3;-;-;Fund three;10.3;25-Feb-2025",
        "4;Redeemed;;Fund four;10.4;25-Feb-2025",
        f"5;{make_isin(5)[:-1]};{make_isin(6)};Fund five;10.5;25-Feb-2025",
        "6;INF000;INF0001;Fund six;10.6;25-Feb-2025",
    ]
    batches = read("\r\n".join(lines).encode(), declared_feeds()["amfi-funds"], tmp_path)
    assert [row[:2] for row in staged(batches)] == [
        ["6", make_isin(1)],
        ["6", make_isin(2)],
        ["7", make_isin(3)],
        ["10", make_isin(6)],
    ]
    assert [(row.number, row.reason) for row in refused(batches)] == [
        (8, "no ISIN"),
        (9, "no ISIN"),
        (10, "an ISIN has 12 characters, this has 11"),
        (11, "an ISIN has 12 characters, this has 6; an ISIN has 12 characters, this has 7"),
    ]
    assert sum(batch.rows for batch in batches) == 8


def test_two_columns_that_are_put_in_between_change_nothing(tmp_path: Path) -> None:
    feed = declared_feeds()["amfi-funds"]
    old = "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
    new = "Scheme Code;Plan;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Option;Scheme Name;Net Asset Value;Date"
    before = read(f"{old}\n1;{make_isin(1)};-;Fund;1;x\n".encode(), feed, tmp_path)
    after = read(f"{new}\n1;Direct;{make_isin(1)};-;Growth;Fund;1;x\n".encode(), feed, tmp_path)
    assert before == after


def test_another_encoding_is_read_by_its_name_and_a_wrong_one_shows(tmp_path: Path) -> None:
    content = f"ISIN,Name\n{make_isin(1)},Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich\n".encode("latin-1")
    assert staged(read(content, feed_of(Csv(encoding="iso8859-1")), tmp_path))[0][2].startswith(
        "Z\N{LATIN SMALL LETTER U WITH DIAERESIS}"
    )
    assert refused(read(content, feed_of(Csv()), tmp_path))[0].reason == "lone surrogates are not allowed"


def test_a_workbook_is_read_whatever_it_says_of_its_size_and_whatever_stands_above_the_header(tmp_path: Path) -> None:
    rows = [["List of Securities"], ["Updated as at 11/10/2021"], ["Code", "ISIN", "Name"]]
    rows += [[str(number), make_isin(number), f"Company {number}"] for number in range(20)]
    rows += [["", " " * 12, ""], ["21", " " * 12, "No ISIN"]]
    batches = read(make_workbook(rows, dimension="A1:B2"), feed_of(Xlsx()), tmp_path)
    assert staged(batches) == [[str(number + 4), make_isin(number), f"Company {number}"] for number in range(20)]
    assert [(row.number, row.reason) for row in refused(batches)] == [(25, "no ISIN")]


def test_texts_of_a_workbook_may_be_shared_and_cells_left_out(tmp_path: Path) -> None:
    rows = [["ISIN", "", "Name"], [make_isin(1), "", "A & B"], [make_isin(2)]]
    assert staged(read(make_workbook(rows, shared=True), feed_of(Xlsx()), tmp_path)) == [
        ["2", make_isin(1), "A & B"],
        ["3", make_isin(2), r"\N"],
    ]


@pytest.mark.parametrize("missing", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
def test_a_workbook_without_one_of_its_parts_is_none(missing: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(make_workbook([["ISIN", "Name"]]))) as whole:
        parts = {name: whole.read(name) for name in whole.namelist() if name != missing}
    with pytest.raises(UnreadableList, match=f"no workbook: it has no {missing}"):
        read(make_zip(parts), feed_of(Xlsx()), tmp_path)


def test_objects_of_json_are_rows_wherever_their_array_is(tmp_path: Path) -> None:
    records = [
        {"isin": make_isin(1), "NAME": "A", "other": {"deep": [1]}},
        {"isin": make_isin(2), "NAME": None},
        {"isin": 12, "NAME": True},
        "no object",
    ]
    for content, place in ((records, ""), ({"data": {"rows": records}, "total": 4}, "data.rows")):
        batches = read(json.dumps(content).encode(), feed_of(Json(records=place)), tmp_path)
        assert staged(batches) == [["1", make_isin(1), "A"], ["2", make_isin(2), r"\N"]]
        assert [row.number for row in refused(batches)] == [3, 4]


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html></html>", b'[{"ISIN": "x"', b"", b'["\xff"]'])
def test_what_is_no_json_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableList, match="no JSON"):
        read(content, feed_of(Json()), tmp_path)


def test_a_name_that_no_object_has_is_a_header_that_drifted(tmp_path: Path) -> None:
    for record, missing in (({"ISIN": make_isin(1)}, "Name"), ({"Other": "x"}, "ISIN, Name")):
        with pytest.raises(HeaderDrift, match=f"^no record has {missing}$"):
            read(json.dumps([record, record]).encode(), feed_of(Json()), tmp_path)


def test_names_in_json_may_have_blanks_and_what_is_refused_is_told_by_them(tmp_path: Path) -> None:
    records = [{" isin ": make_isin(1), "Company  Name": "A"}, {"ISIN": "X", "company name": "B", "more": None}]
    batches = read(
        json.dumps(records).encode(), feed_of(Json(), columns={"isin": "ISIN", "name": "Company Name"}), tmp_path
    )
    assert staged(batches) == [["1", make_isin(1), "A"]]
    assert refused(batches) == [Refused(2, "an ISIN has 12 characters, this has 1", "isin=X; company name=B; more=")]


def test_elements_of_xml_are_rows_by_paths_without_their_namespaces(tmp_path: Path) -> None:
    content = f"""<?xml version="1.0"?><l:List xmlns:l="urn:list"><Head><ISIN>no record</ISIN></Head>
        <l:Security code="7"><Id> {make_isin(1)} </Id><Issuer><Name>A &amp; B</Name><Name>second</Name></Issuer>
        </l:Security>
        <l:Security code="8"><Id>{make_isin(2)}</Id></l:Security></l:List>""".encode()
    feed = feed_of(Xml(record="Security"), columns={"isin": "Id", "name": "Issuer/Name"}, details={"code": "@code"})
    assert [
        line.rstrip().split("\t")[1:]
        for batch in read(content, feed, tmp_path)
        for line in batch.copy.decode().splitlines()
    ] == [
        [make_isin(1), "A & B", r"\N", r"\N", r"\N", '{"code": "7"}'],
        [make_isin(2), r"\N", r"\N", r"\N", r"\N", '{"code": "8"}'],
    ]


BOMB = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a><Security><Id>&y;</Id></Security></a>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><Security><Id>&x;</Id></Security></a>'


@pytest.mark.parametrize("content", [BOMB, OUTSIDE])
def test_xml_that_declares_entities_is_refused_before_they_are_used(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableList, match="declares a document type"):
        read(content, feed_of(Xml(record="Security"), columns={"isin": "Id"}), tmp_path)


def test_a_record_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with pytest.raises(UnreadableList, match="a record of more than 65536 characters"):
        read(b"<a><Security><Id>" + b"x" * 100_000, feed_of(Xml(record="Security"), columns={"isin": "Id"}), tmp_path)


FORMATS: list[Format] = [Csv(), Csv(delimiter=";", header_within=9, sections=True), Json(), Xml(record="r"), Xlsx()]
HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.text(st.sampled_from('<>/r"ISName,;\n\r\0[]{}:&x1 '), max_size=120).map(str.encode),
    st.binary(max_size=100).map(lambda content: make_zip({"list": content})),
)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: type(form).__name__)
@given(content=HOSTILE)
def test_hostile_bytes_are_rows_or_a_plain_error(
    form: Format, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        batches = read(content, feed_of(form), tmp_path_factory.getbasetemp())
    except FeedError:
        return
    assert sum(batch.rows for batch in batches) == len(staged(batches)) + len(refused(batches))


@given(data=st.data())
def test_a_damaged_workbook_is_rows_or_a_plain_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(make_workbook([["ISIN", "Name"], [make_isin(1), "A"]], shared=True))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        batches = read(bytes(content), feed_of(Xlsx()), tmp_path_factory.getbasetemp())
    except FeedError:
        return
    assert Counter(isin for _, isin, _ in staged(batches)) <= Counter([make_isin(1)])
