"""Lists of codes: what passes through byte for byte, and what is cut out of it."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isin_worker.errors import UnreadableList
from isin_worker.feeds import declared_feeds
from isin_worker.feeds.formats import Csv
from isin_worker.pipeline.batches import Refused, StageLayout
from isin_worker.pipeline.parse import codes
from isin_worker.pipeline.parse.copy_text import EVERY_FIELD
from isin_worker.pipeline.parse.reader import FileRows
from isin_worker.testing import make_isin
from isin_worker.testing.firds import LEI

GLEIF = declared_feeds()["gleif-isin-lei"]


def read(content: bytes, folder: Path) -> tuple[bytes, list[Refused], int]:
    path = folder / "codes.csv"
    path.write_bytes(content)
    batches = list(FileRows(GLEIF, path))
    text = b"".join(batch.copy for batch in batches)
    return text, [row for batch in batches for row in batch.refused], sum(batch.rows for batch in batches)


def line(number: int) -> bytes:
    return f"{LEI},{make_isin(number)}\n".encode()


def test_right_lines_pass_through_byte_for_byte(tmp_path: Path) -> None:
    body = b"".join(line(number) for number in range(1000))
    assert read(b"LEI,ISIN\n" + body, tmp_path) == (body, [], 1000)


def test_the_layout_is_the_order_of_the_files_columns(tmp_path: Path) -> None:
    for header in (b"LEI,ISIN\n", b"\xef\xbb\xbf isin , lei\r\n"):
        (tmp_path / "codes.csv").write_bytes(header)
        layout = FileRows(GLEIF, tmp_path / "codes.csv").layout
        assert (sorted(layout.columns), layout.delimiter) == (["isin", "lei"], ",")
    assert layout.columns == ("isin", "lei")


@pytest.mark.parametrize("header", [b"LEI,ISIN\n", b"ISIN,LEI\n"])
def test_plain_lines_are_not_read_one_by_one(header: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each list would take many times as long, and nobody would see it but by the clock."""
    one_by_one: list[bytes] = []
    monkeypatch.setattr(codes.Codes, "_check", lambda _self, _number, text: one_by_one.append(text) or ())
    cells = [("X" * length, make_isin(length)) for length in (1, 2, 20, 40, 41)]
    if header == b"ISIN,LEI\n":
        cells = [(isin, lei) for lei, isin in cells]
    lines = [f"{one},{other}\n".encode() for one, other in cells]
    assert read(header + b"".join(lines), tmp_path)[0] == b"".join(lines[:4])
    assert one_by_one == lines[4:]  # that code is longer than any
    quoted = lines[0].replace(b",", b',"')
    assert read(header + quoted + b"".join(lines[:4]), tmp_path)[0] == b"".join(lines[:4])
    assert one_by_one == [*lines[4:], quoted]


def test_a_line_beyond_all_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, refused, count = read(b"LEI,ISIN\n" + line(1) + b"x" * 140_000 + b"\n" + line(2), tmp_path)
    assert (text, count) == (line(1) + line(2), 3)
    assert refused == [Refused(3, "no CSV: field larger than field limit (131072)", "x" * 500)]
    monkeypatch.setattr(codes, "CHUNK", 1024)
    read(b"LEI,ISIN\n" + b"x" * codes.LONGEST_LINE + b"\n", tmp_path)
    with pytest.raises(UnreadableList, match=r"^no CSV: a line of more than 131072 bytes$"):
        read(b"LEI,ISIN\n" + b"x" * (codes.LONGEST_LINE + 1024) + b"\n", tmp_path)


@pytest.mark.parametrize("columns", [("lei", "isin"), ("isin", "lei"), ("isin",)])
def test_the_lines_on_which_an_isin_stands_are_found(columns: tuple[str, ...]) -> None:
    one, two, three = (make_isin(number) for number in range(3))
    isins = [f' "{one.lower()}"\N{NO-BREAK SPACE}\t', two, "", one, three, f"{one}X", one]
    rows = [";".join({"lei": LEI, "isin": isin}[column] for column in columns) for isin in isins]
    content = "\r\n".join([";".join(columns), *rows, LEI, f"{rows[1]};;"]).encode() + b"\n\xff;\xff\n"
    layout = StageLayout(columns, ";")
    found = codes.lines_of(io.BytesIO(content), layout, {(one, ""), (two, ""), (two, "XETR")})
    assert found == {(one, ""): [2, 5, 8], (two, ""): [3, 10]}


@pytest.mark.parametrize(
    "header",
    [
        b"LEI,ISIN,More\n",
        b"LEI\n",
        b"",
        b"LEI,ISIN",
        b"LEI,ISIN".ljust(codes.LONGEST_HEADER) + b",More\n",
        b"LEI,ISIN".ljust(codes.LONGEST_HEADER) + b"\n",
        b"LEI\xff,ISIN\n",
    ],
)
def test_a_list_with_other_columns_is_read_like_any_other(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_bytes(header)
    assert FileRows(GLEIF, tmp_path / "codes.csv").layout is EVERY_FIELD


@pytest.mark.parametrize(
    "more",
    [
        {"columns": {"isin": "ISIN", "name": "LEI"}},
        {"details": {"symbol": "LEI"}},
        {"constants": {"type": "bond"}},
        {"more_isins": ("ISIN",)},
        {"format": Csv(sections=True)},
        {"format": Csv(names=("LEI", "ISIN"))},
        {"format": Csv(stated="Rows: (.+)")},
        {"format": Csv(header_within=2)},
        {"format": Csv(encoding="iso8859-1")},
    ],
)
def test_a_list_of_which_more_is_wanted_than_its_codes_is_read_like_any_other(
    more: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "codes.csv").write_bytes(b"LEI,ISIN\n" + line(1))
    feed = replace(GLEIF, **more)  # type: ignore[arg-type]  # what is changed is up to each case
    assert FileRows(feed, tmp_path / "codes.csv").layout is EVERY_FIELD


def test_the_longest_header_of_all_is_one_of_codes(tmp_path: Path) -> None:
    header = b"LEI,ISIN".ljust(codes.LONGEST_HEADER - 1) + b"\n"
    wrong = line(2)[:-2] + b"X\n"
    assert read(header + line(1) + wrong, tmp_path)[:2] == (
        line(1),
        [Refused(3, "an ISIN is two letters, nine letters or digits, and a check digit", wrong.decode().strip())],
    )


def test_whole_lines_are_handed_on_a_chunk_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "codes.csv"
    lines = [line(number) for number in range(6)]
    path.write_bytes(b"LEI,ISIN\n" + b"".join(lines))
    monkeypatch.setattr(codes, "CHUNK", 2 * len(lines[0]) + 5)
    assert [batch.copy for batch in FileRows(GLEIF, path)] == [
        b"".join(lines[:2]), b"".join(lines[2:4]), b"".join(lines[4:]),
    ]  # fmt: skip


def test_wrong_lines_are_cut_out_and_small_letters_mended(tmp_path: Path) -> None:
    wrong = make_isin(3)[:-1] + str((int(make_isin(3)[-1]) + 1) % 10)
    lines = [
        line(1),
        f"{LEI},{wrong}\n".encode(),
        b"\n",
        f"{LEI}, {make_isin(4).lower()}\r\n".encode(),
        b"only one cell\n",
        f"{LEI},{make_isin(6)},more\n".encode(),
        f'"{LEI}","{make_isin(7)}"\n'.encode(),
        f",{make_isin(8)}\n".encode(),
        f"{LEI},-\n".encode(),
        line(10),
    ]
    text, refused, count = read(b"LEI,ISIN\n" + b"".join(lines), tmp_path)
    assert text == line(1) + line(4) + line(7) + f"\\N,{make_isin(8)}\n".encode() + line(10)
    assert [row.number for row in refused] == [3, 6, 7, 10]
    assert count == 9


@pytest.mark.parametrize("wrong", [f"{make_isin(1)}X,{LEI}", f"{make_isin(1)[:-1]},{LEI}", f"{make_isin(1)},{LEI},"])
def test_both_codes_of_a_line_must_be_right_whichever_comes_first(wrong: str, tmp_path: Path) -> None:
    right = f"{make_isin(2)},{LEI}\n".encode()
    text, refused, count = read(b"ISIN,LEI\n" + right + f"{wrong}\n".encode() + right, tmp_path)
    mended = wrong.endswith(",")  # a blank cell beyond the header is harmless
    assert text == right + f"{wrong[:-1]}\n".encode() * mended + right
    assert ([row.number for row in refused], count) == ([] if mended else [3], 3)


def test_another_character_may_stand_between_codes(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    right = line(1).replace(b",", b";")
    path.write_bytes(b"LEI;ISIN\n" + right + f'"{LEI}";"{make_isin(2)}"\n'.encode() + line(3))
    (batch,) = FileRows(replace(GLEIF, format=Csv(delimiter=";")), path)
    assert batch.copy == right + line(2).replace(b",", b";")
    assert batch.refused == [Refused(4, "1 cells under a header of 2", line(3).decode().strip())]


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    assert read(b"LEI,ISIN\n" + line(1) + line(2)[:-1], tmp_path) == (line(1) + line(2), [], 2)


PIECES = st.sampled_from(
    [
        line(1),
        line(2),
        line(3).lower(),
        line(4).replace(b"\n", b"\r\n"),
        b"\n",
        b",\n",
        b",,\n",
        LEI.encode() + b",\n",
        line(5)[:-2] + b"X\n",
        b" " + line(6),
        b"\xff" + line(7),
        b"a\\," + line(8)[21:],
    ]
)


@given(pieces=st.lists(PIECES, max_size=30), chunk=st.integers(1, 100))
def test_quick_and_slow_reading_agree_wherever_a_chunk_ends(
    pieces: Sequence[bytes], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = b"LEI,ISIN\n" + b"".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "CHUNK", chunk)
        text, refused, count = read(content, folder)
    plain = replace(GLEIF, format=Csv(header_within=2))  # of a list whose header is looked for, each line is
    batches = list(FileRows(plain, folder / "codes.csv"))
    slow = [one.split("\t") for batch in batches for one in batch.copy.decode().splitlines()]
    assert [one.split(",")[::-1] for one in text.decode().splitlines()] == [[row[1], row[5]] for row in slow]
    assert [(row.number, row.reason) for row in refused] == [
        (row.number, row.reason) for batch in batches for row in batch.refused
    ]
    assert count == sum(batch.rows for batch in batches)
