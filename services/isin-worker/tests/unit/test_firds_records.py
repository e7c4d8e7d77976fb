"""FIRDS: the quick reading, the slow one, and when which of them is used."""

import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isin_worker.errors import FeedError, UnreadableList
from isin_worker.pipeline.batches import Refused
from isin_worker.pipeline.parse import firds
from isin_worker.pipeline.parse.firds import FirdsReader
from isin_worker.testing import make_isin
from isin_worker.testing.firds import LEI, make_changes, make_full, make_record


class Dribble(io.BytesIO):
    """A file of which each read gives as many bytes as the next size says."""

    def __init__(self, content: bytes, sizes: Sequence[int]) -> None:
        super().__init__(content)
        self._sizes = list(sizes)

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._sizes.pop(0) if self._sizes else size)


def read(content: bytes, mode: str = "full", sizes: Sequence[int] = ()) -> tuple[list[list[str]], list[Refused], int]:
    """The staged rows as cells, what was refused, and the count."""
    batches = list(FirdsReader("full" if mode == "full" else "delta", "CDE").batches(Dribble(content, sizes)))
    lines = [line.split("\t") for batch in batches for line in batch.copy.decode().splitlines()]
    return lines, [row for batch in batches for row in batch.refused], sum(batch.rows for batch in batches)


def pretty(content: bytes) -> bytes:
    """The same document, each tag on a line of its own: the expression finds nothing in it."""
    return content.replace(b"><", b">\n  <")


NAMES = [
    "Plain AG",
    "A & B",
    "Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich",
    "back\\slash",
    "two  blanks",
    " edges ",
    "<tag>",
    "tab\tin",
    "line\nend",
    "quote\"'",
    "x" * 400,
]


def test_a_record_gives_what_every_list_may_have() -> None:
    rows, refused, count = read(make_full([make_record(1, name="A AG", venue="XFRA", cfi="DBFTFB")]))
    assert rows == [[make_isin(1, "DE"), "A AG", "DBFTFB", "EUR", LEI, "XFRA"]]
    assert (refused, count) == ([], 1)


@pytest.mark.parametrize("name", NAMES)
def test_quick_and_slow_reading_say_the_same_of_every_name(name: str) -> None:
    content = make_full([make_record(1), make_record(2, name=name), make_record(3)])
    quick, slow = read(content), read(pretty(content))
    assert quick == slow
    tidied = " ".join(name.split()).replace("\\", "\\\\")
    assert quick[0][1][1] == tidied


def test_records_of_another_shape_are_read_beside_those_of_the_usual_one() -> None:
    records = [make_record(number, name=NAMES[number % len(NAMES)]) for number in range(40)]
    records[3] = re.sub("<ShrtNm>.*</ShrtNm>", "", records[3])
    records[5] = re.sub("<CmmdtyDerivInd>.*</CmmdtyDerivInd>", "<!-- none -->", records[5])
    records[8] = records[8].replace("<NtnlCcy>", "<NtnlCcy >").replace("ESVUFR", "<![CDATA[ESVUFR]]>")
    for content in (make_full(records), make_changes([("modified", record) for record in records])):
        mode = "full" if b"<RefData>" in content else "delta"
        rows, refused, count = read(content, mode)
        assert (len(rows), refused, count) == (40, [], 40)
        assert rows == read(pretty(content), mode)[0]


def test_a_document_on_many_lines_is_read_by_the_parser() -> None:
    content = pretty(make_full([make_record(number) for number in range(50)]))
    assert read(content)[0] == read(make_full([make_record(number) for number in range(50)]))[0]


def test_one_broken_record_costs_one_record() -> None:
    records = [make_record(number) for number in range(20)]
    records[7] = records[7].replace("Namens", "Na&mens")
    records[9] = records[9].replace("<ShrtNm>", "<ShrtNm")
    records[11] = make_record(11, isin="DE0000000000")
    rows, refused, count = read(make_full(records))
    assert (len(rows), count) == (17, 20)
    assert [row.number for row in refused] == [8, 10, 12]
    assert refused[1].reason == "no XML"
    assert refused[2].reason.startswith("the check digit should be")


def test_bytes_that_are_no_text_cost_their_record() -> None:
    content = make_full([make_record(number) for number in range(3)]).replace(b"Serie 1", b"Serie \xff")
    rows, refused, _ = read(content)
    assert (len(rows), [row.number for row in refused]) == (2, [2])


def test_changes_say_what_happened_and_only_those_of_wanted_categories_are_taken() -> None:
    changes = [
        ("new", make_record(1)),
        ("modified", make_record(2, name="A & B")),
        ("terminated", make_record(3)),
        ("cancelled", make_record(4)),
        ("new", make_record(5, cfi="OCASPS")),
    ]
    content = make_changes(changes)
    rows, refused, count = read(content, "delta")
    assert [(row[0], row[1], row[2][:5]) for row in rows] == [
        ("new", make_isin(1, "DE"), "Compa"),
        ("modified", make_isin(2, "DE"), "A & B"),
        ("terminated", make_isin(3, "DE"), "Compa"),
        ("cancelled", make_isin(4, "DE"), "Compa"),
    ]
    assert (refused, count) == ([], 4)
    assert read(pretty(content), "delta")[0] == rows


def test_prefixes_that_are_no_country_are_real() -> None:
    isins = [make_isin(1, prefix) for prefix in ("EZ", "XS", "QW")]
    rows, refused, _ = read(make_full([make_record(1, isin=isin) for isin in isins]))
    assert ([row[0] for row in rows], refused) == (isins, [])


@pytest.mark.parametrize("end", [10, 100, 400])
def test_a_file_that_is_cut_off_is_not_a_shorter_list(end: int) -> None:
    content = make_full([make_record(number) for number in range(3)])
    with pytest.raises(UnreadableList, match="cut off"):
        read(content[:-end] if end > 200 else content[: content.rindex(b"</RefData>") + end // 100])


@pytest.mark.parametrize("content", [b"", b"<html></html>", make_full([]), make_changes([("new", make_record(1))])])
def test_what_has_no_record_is_no_full_file(content: bytes) -> None:
    with pytest.raises(UnreadableList, match="no FIRDS: there is no record"):
        read(content)


def test_a_document_type_is_refused() -> None:
    content = make_full([make_record(1)]).replace(b"<BizData", b'<!DOCTYPE x [<!ENTITY a "b">]><BizData', 1)
    with pytest.raises(UnreadableList, match="declares a document type"):
        read(content)


def test_records_that_never_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firds, "LONGEST_RECORD", 1000)
    monkeypatch.setattr(firds, "CHUNK", 1000)
    with pytest.raises(UnreadableList, match="no record ends where one should"):
        read(b"<RefData>" + b"<x/>" * 1000)


@given(st.data())
def test_wherever_a_read_ends_the_rows_are_the_same(data: st.DataObject) -> None:
    records = [make_record(number, name=data.draw(st.sampled_from(NAMES))) for number in range(4)]
    content = data.draw(st.sampled_from([make_full(records), pretty(make_full(records))]))
    sizes = data.draw(st.lists(st.integers(1, 1200), max_size=12))
    assert read(content, sizes=sizes) == read(content)


@given(st.data())
def test_damaged_bytes_are_rows_or_a_plain_error(data: st.DataObject) -> None:
    content = bytearray(make_full([make_record(number) for number in range(3)]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows, refused, count = read(bytes(content))
    except FeedError:
        return
    assert len(rows) + len(refused) == count
