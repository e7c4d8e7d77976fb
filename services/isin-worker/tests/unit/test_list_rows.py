"""From the bytes of a list to rows, and from rows to entries."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isin_worker.errors import HeaderDrift, UnreadableList
from isin_worker.feeds.formats import Csv
from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.pipeline.batches import Refused
from isin_worker.pipeline.parse.csv_rows import CsvRows
from isin_worker.pipeline.parse.rows import Row
from isin_worker.pipeline.parse.validate import Entry, check
from isin_worker.testing import HEADER, make_isin, make_list, make_row


def rows_of(content: bytes, header_within: int = 1) -> list[Row]:
    return list(CsvRows(io.BytesIO(content), NSE_EQUITY, Csv(header_within=header_within)))


def test_columns_are_found_by_name_wherever_they_stand_and_whatever_blanks_and_case_their_names_have() -> None:
    order = [4, 2, 0, 3, 1]
    header = [f"\N{NO-BREAK SPACE} {HEADER[place].strip().lower()}\t" for place in order]
    moved = make_list([[make_row(1)[place] for place in order]], header)
    straight = make_list([make_row(1)])
    assert [row.cells for row in rows_of(moved)] == [row.cells for row in rows_of(straight)]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(HeaderDrift, match="no column ISIN NUMBER, SERIES"):
        rows_of(b"SYMBOL,NAME OF COMPANY,ISIN\nA,B,C\n")


def test_a_page_of_html_is_no_list() -> None:
    with pytest.raises(HeaderDrift, match="no column"):
        rows_of(b"<!DOCTYPE html>\n<html><body>Access denied</body></html>\n")


def test_an_empty_file_is_no_list() -> None:
    with pytest.raises(HeaderDrift, match=r"^the header has no column ISIN NUMBER, NAME OF COMPANY, SYMBOL, SERIES$"):
        rows_of(b"")


def test_the_line_that_comes_nearest_to_a_header_is_told_the_first_of_such() -> None:
    content = b"SYMBOL,A,B\nSYMBOL,SERIES\nISIN NUMBER,SERIES\nName\n"
    with pytest.raises(HeaderDrift, match=r"^the header has no column ISIN NUMBER, NAME OF COMPANY$"):
        rows_of(content, header_within=4)
    with pytest.raises(HeaderDrift, match=r"^the header has no column ISIN NUMBER, NAME OF COMPANY, SERIES$"):
        rows_of(content, header_within=1)


def test_a_column_that_is_there_twice_is_no_choice_of_ours() -> None:
    with pytest.raises(HeaderDrift, match=r"^the header has more than one column ISIN NUMBER, SYMBOL$"):
        rows_of(make_list([], ["symbol", *HEADER, "isin number"]))


def test_a_quote_that_is_never_closed_is_an_error_and_not_one_endless_cell() -> None:
    with pytest.raises(UnreadableList, match="no CSV from line"):
        rows_of(make_list([make_row(1)]) + b'"' + b"x,\n" * 100_000)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_and_a_byte_order_mark_are_read(ending: str) -> None:
    content = make_list([make_row(1), make_row(2)]).decode().replace("\n", ending).encode("utf-8-sig")
    assert [row.cells["isin"] for row in rows_of(content)] == [make_isin(1), make_isin(2)]


def test_blank_lines_and_a_comma_at_the_end_of_each_row_are_harmless() -> None:
    content = make_list([make_row(1), [], ["", " ", "", "", ""], make_row(2)]).replace(b"\n", b",\n")
    content = content.replace(b"NUMBER,", b"NUMBER")
    assert [row.fault for row in rows_of(content)] == [None, None]


def test_a_row_of_another_width_is_refused_with_its_line_in_the_file() -> None:
    short, long = rows_of(make_list([make_row(1)[:3], [*make_row(2), "more"]]))
    assert short == Row(2, {}, "SYM1,Company 1 Limited,EQ", "3 cells under a header of 5")
    assert (long.number, long.fault) == (3, "6 cells under a header of 5")
    assert list(check(short, NSE_EQUITY)) == [Refused(2, "3 cells under a header of 5", short.raw)]


@pytest.mark.parametrize(
    ("isin", "reason"),
    [
        ("-", "no ISIN"),
        ("  ", "no ISIN"),
        ("na", "no ISIN"),
        (make_isin(1)[:-1], "an ISIN has 12 characters, this has 11"),
        ("US0378331004", "the check digit should be 5"),
        ("1S0378331005", "an ISIN is two letters, nine letters or digits, and a check digit"),
    ],
)
def test_a_row_without_a_valid_isin_is_refused_with_the_reason(isin: str, reason: str) -> None:
    cells = {"isin": isin, "name": "A", "symbol": "A", "series": "EQ"}
    assert list(check(Row(7, cells, "raw"), NSE_EQUITY)) == [Refused(7, reason, "raw")]


def test_text_that_postgres_cannot_hold_is_refused_and_told_in_a_form_that_it_can() -> None:
    latin = make_list([make_row(1, "Cr\N{LATIN SMALL LETTER E WITH ACUTE}dit")]).decode().encode("latin-1")
    for content, reason, name in (
        (latin, "lone surrogates are not allowed", "Cr?dit"),
        (make_list([make_row(1, "NUL\0")]), "NUL is not allowed", "NUL\N{REPLACEMENT CHARACTER}"),
    ):
        (row,) = rows_of(content)
        raw = ",".join(make_row(1, name))
        assert list(check(row, NSE_EQUITY)) == [Refused(2, reason, raw)]


def test_a_cell_beyond_all_measure_is_refused() -> None:
    longest, longer = rows_of(make_list([make_row(1, "x" * 1000), make_row(2, "x" * 1001)]))
    assert [entry.isin for entry in check(longest, NSE_EQUITY) if isinstance(entry, Entry)] == [make_isin(1)]
    assert list(check(longer, NSE_EQUITY)) == [Refused(3, "a cell of more than 1000 characters", longer.raw)]
    assert len(longer.raw) == 500


def test_an_entry_is_trimmed_upper_case_and_has_what_is_the_same_for_the_whole_list() -> None:
    row = make_row(5, "  Two   Blanks\tLimited ", isin=f"\N{NO-BREAK SPACE}{make_isin(5).lower()} ")
    (found,) = rows_of(make_list([row]))
    details = {"symbol": "SYM5", "series": "EQ"}
    assert list(check(found, NSE_EQUITY)) == [
        Entry(2, make_isin(5), ("Two Blanks Limited", "equity", "INR", None), details)
    ]


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=3, max_size=3))
def test_whatever_cells_hold_the_row_comes_out_as_an_entry_or_with_a_reason(
    texts: list[str],
) -> None:
    name, symbol, series = texts
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in (symbol, name, series, "", make_isin(1)))
    content = make_list([]) + quoted.encode()
    (row,) = rows_of(content)
    assert (row.cells["name"], row.cells["symbol"], row.cells["series"]) == (name, symbol, series)
    (checked,) = check(row, NSE_EQUITY)
    assert isinstance(checked, Entry if not any("\0" in text for text in texts) else Refused)
