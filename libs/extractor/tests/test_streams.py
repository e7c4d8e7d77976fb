"""A stream gives what the whole text gives, however it is cut, and takes any kind of source.

The windows of the scan are made as small as the texts here, so that every place is an edge in some example.
"""

import io
import re
from collections.abc import Callable, Iterable
from itertools import accumulate, chain, cycle, pairwise, product, takewhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from extractor import PATTERNS, NotUtf8Error, Pattern, PatternError, Source, extract, find, scan, stream
from extractor.scan import batches, matches, value_of
from extractor.sources import BLOCK, Chunk, text_blocks

PIECES = {
    "order-numbers": [*'":idcoe{},1\n ', '"id":', '"code" : ', '"id"::', "1" * 4299, "1" * 4302, " " * 199, "é𝄞"],
    "order-ids": [*'":id,1\t', '"id":', '"id"', "0" * 4300, " " * 201, "é"],
    "after-colon": [*":019 a", "::", "7" * 4300, "8" * 4301, "٣", "é"],
    "isin": [*"AZ09a_ -\n", "US0378331005", "US", "0" * 11, "é"],
    "android-package": [
        *"aZ_1.:/&?=@- ",
        "a.b",
        "https://play.google.com/store/apps/details?id=",
        "play.google.com/store/apps/details?x=1&",
        "market://details?id=",
        "a" * 110,
        ".b" * 111,
        "x" * 499,
        "é",
    ],
}
# Short reaches, so that seams, horizons and anchors meet in a few characters of text.
TRICKY = r"""
    aa [ab]{1,3} [ab]{1,3}?b (?<=b)a{1,2}(?!b) ^a a$ (?m)^ab (?m)b$ \Aa b\Z \ba a\b \Ba (a)|b a(?=bb) (?s).{1,3} .{2}
    (?<!a)b(?!(?<=b)a) (a|b)\1 (?i)B a(?=b(?=a)) (?>a{1,3})b a{2,3}+ abab|b aab|ab|bb abbb|b b(?<=aab)
    a(?!b\n) a(?!babb) a(?=babab)
""".split()  # noqa: SIM905 # each of them as it is written, without quotes


def cut(text: str, data: st.DataObject) -> list[Chunk]:
    """The text, or its bytes, in chunks of any sizes; empty ones too."""
    whole: str | bytes = text.encode() if data.draw(st.booleans(), label="as bytes") else text
    most = data.draw(st.sampled_from([1, 2, 7, 100, 5000]), label="longest chunk")
    sizes = data.draw(st.lists(st.integers(0, most), min_size=1).filter(any), label="sizes, again and again")
    ends = takewhile(lambda end: end < len(whole), accumulate(cycle(sizes)))
    return [whole[start:end] for start, end in pairwise([0, *ends, len(whole)])]


def assert_the_same(pattern: Pattern, text: str, chunks: Callable[[], Iterable[Chunk]], block: int) -> None:
    whole = [(match.start(), value_of(match)) for match in pattern.compiled.finditer(text)]

    streamed = chain.from_iterable(batches(pattern, text_blocks(chunks(), block)))
    placed = matches(pattern, text_blocks(chunks(), block))

    assert list(streamed) == re.findall(pattern.regex, text)
    assert [(base + match.start(), value_of(match)) for base, match in placed] == whole


@pytest.mark.parametrize("name", PATTERNS)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_named_patterns_find_the_same_in_a_stream(name: str, data: st.DataObject) -> None:
    pieces = st.lists(st.sampled_from(PIECES[name]), max_size=30).map("".join)
    rows = data.draw(
        st.lists(st.tuples(pieces, st.sampled_from([1, 1, 3, 40])), max_size=5), label="pieces and how often"
    )

    text = "".join(piece * times for piece, times in rows)[:40_000]
    chunks = cut(text, data)

    assert_the_same(PATTERNS[name], text, lambda: chunks, data.draw(st.integers(200, 6000), label="block"))


@pytest.mark.parametrize("regex", TRICKY)
def test_every_short_text_gives_the_same_wherever_it_is_cut(regex: str) -> None:
    pattern = Pattern("tricky", regex)
    for text in map("".join, product("ab\n", repeat=6)):
        for block in (1, 2, 3):
            assert_the_same(pattern, text, lambda text=text: [text], block)  # type: ignore[misc]  # a default is no type


@pytest.mark.parametrize("regex", TRICKY)
@given(unit=st.text("ab", min_size=1, max_size=7), mark=st.sampled_from(["", "\n", "é"]), block=st.integers(1030, 1300))
@settings(deadline=None, max_examples=30)
def test_long_rows_of_matches_that_overlap_give_the_same(regex: str, unit: str, mark: str, block: int) -> None:
    row = unit * (2000 // len(unit))
    text = row + mark + row

    assert_the_same(Pattern("tricky", regex), text, lambda: [text], block)


def expressions() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(
        [
            r"a",
            r"b",
            r"[ab]",
            r"[^a]",
            r".",
            r"\w",
            r"\b",
            r"^",
            r"$",
            r"\n",
            r"\Z",
            r"(?<=a)",
            r"(?<!ab)",
            r"(?!b)",
            r"(?=.b)",
        ]
    )
    repeats = st.sampled_from(["?", "??", "{2}", "{0,3}", "{1,3}?", "{1,2}+"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return (
            st.lists(inner, min_size=2, max_size=3).map("".join)
            | st.lists(inner, min_size=2, max_size=3).map(lambda some: f"(?:{'|'.join(some)})")
            | st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
            | inner.map(lambda one: f"(?={one})")
            | inner.map(lambda one: f"(?!{one})")
            | inner.map(lambda one: f"(?>{one})")
        )

    return st.recursive(atoms, grow, max_leaves=6)


@given(regex=expressions(), text=st.text("ab\n", min_size=10, max_size=60), block=st.integers(1, 5))
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_whatever_expression_is_accepted_gives_the_same(regex: str, text: str, block: int) -> None:
    try:
        pattern = Pattern("any", regex)
    except PatternError:
        assume(False)
    assert_the_same(pattern, text, lambda: [text], block)


@pytest.mark.parametrize("name", PATTERNS)
def test_blocks_of_the_real_size_give_the_same(name: str) -> None:
    unit = '{"id":12, "code" : 345} é12:30 (US0378331005) https://play.google.com/store/apps/details?id=com.a.b&hl=x\n'
    text = unit * (3 * BLOCK // len(unit)) + "".join(PIECES[name])
    expected = re.findall(PATTERNS[name].regex, text)

    assert list(stream(name, (text[at : at + 1009] for at in range(0, len(text), 1009)), str)) == expected
    assert extract(name, text.encode(), str) == expected
    assert [match.value for match in find(name, text)] == expected


@pytest.mark.parametrize(
    ("chunks", "blocks"),
    [
        (["0123456789"], ["0123", "4567", "89"]),
        (list("0123456789"), ["0123", "4567", "89"]),
        (["012", "345", "6789"], ["012345", "6789"]),
        (["0123", "", "4", "56"], ["0123", "456"]),
    ],
)
def test_blocks_have_the_size_that_was_asked_for_up_to_twice_of_it(chunks: list[str], blocks: list[str]) -> None:
    assert list(text_blocks(chunks, 4)) == blocks


def test_a_value_comes_as_soon_as_nothing_behind_it_can_change_it() -> None:
    pattern, some = Pattern("pair", "ab"), "abcdefg"
    places, values = iter(some), iter(some)

    next(matches(pattern, places))
    assert "".join(places) == "efg"  # two characters, and two more for expressions that ask whether the text ends
    next(filter(None, batches(pattern, values)))
    assert "".join(values) == "fg"  # and the next one may not lie across the place up to which values are counted


@pytest.mark.parametrize(
    ("regex", "window", "values", "walks"),
    [
        ("ab", "xyzx", [], 0),  # nothing could match
        ("ab", "ababab", ["ab"], 0),  # one match straight behind the other, and across the horizon
        ("ab", "abxyz", ["ab"], 0),  # one that ends at the horizon
        ("aa", "b" * 100 + "a" * 1027, [], 0),  # they overlap from the first of 1,024 places on to the horizon
        ("aa", "b" * 100 + "a" * 1028, ["aa"] * 513, 1),
    ],
)
def test_matches_are_walked_only_where_they_overlap_all_the_way(
    regex: str, window: str, values: list[str], walks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a stream would take twice as long, and nobody would see it but by the clock."""
    walked: list[object] = []
    before = scan._before
    monkeypatch.setattr(scan, "_before", lambda *given: walked.append(given) or before(*given))

    assert next(batches(Pattern("mine", regex), [window])) == values
    assert len(walked) == walks


TEXT = 'é "id":1, "id":23 '
RAW = TEXT.encode()
SOURCES: dict[str, Callable[[], Source]] = {
    "str": lambda: TEXT,
    "bytes": lambda: RAW,
    "bytearray": lambda: bytearray(RAW),
    "memoryview": lambda: memoryview(RAW),
    "a view of wider items": lambda: memoryview(RAW + b" " * (-len(RAW) % 4)).cast("I"),
    "text file": lambda: io.StringIO(TEXT),
    "binary file": lambda: io.BytesIO(RAW),
    "characters": lambda: iter(TEXT),
    "single bytes": lambda: (RAW[at : at + 1] for at in range(len(RAW))),
    "empty chunks": lambda: [b"", RAW[:1], b"", RAW[1:], b""],
    "lines": lambda: RAW.splitlines(keepends=True),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_kind_of_source_is_read(source: Callable[[], Source]) -> None:
    assert extract("order-ids", source()) == [1, 23]


def test_a_file_is_read_by_its_path_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    path.write_bytes(RAW)

    assert extract("order-ids", path) == [1, 23]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "cannot read text from NoneType: give str, bytes, a path, a file or chunks"),
        (5, "cannot read text from int: give str, bytes, a path, a file or chunks"),
        ([5], "a chunk must be str or bytes, not int"),
        ([None], "a chunk must be str or bytes, not NoneType"),
        (["a", b"b"], "chunks must be all text or all bytes, not both"),
        ([b"a", "b"], "chunks must be all text or all bytes, not both"),
    ],
)
def test_another_kind_of_source_is_refused(source: object, told: str) -> None:
    with pytest.raises(TypeError, match=f"^{told}$"):
        extract("isin", source)  # type: ignore[call-overload]  # on purpose


@pytest.mark.parametrize(
    ("chunks", "reason", "offset"),
    [
        ([b"ab\xff"], "invalid start byte", 2),
        ([b"a\xc3", b"("], "invalid continuation byte", 1),
        ([b"a", b"b\xf0\x9d", b"\x84"], "unexpected end of data", 2),
        ([b"\xed\xa0\x80"], "invalid continuation byte", 0),
        ([b"x" * BLOCK, b"\xfe"], "invalid start byte", BLOCK),
    ],
)
def test_bytes_that_are_not_utf8_are_told_with_their_place(chunks: list[bytes], reason: str, offset: int) -> None:
    with pytest.raises(NotUtf8Error, match=f"^not UTF-8 text: {reason} at byte {offset}$") as caught:
        extract("isin", chunks)
    assert caught.value.offset == offset


def test_a_file_that_would_make_one_wait_is_refused_and_not_taken_for_the_end() -> None:
    class Waiting(io.RawIOBase):
        def read(self, size: int = -1, /) -> None:  # noqa: ARG002 # as every file has it
            return None

    with pytest.raises(
        BlockingIOError, match=r"^the file has no data yet and does not wait for it; give one that blocks$"
    ):
        extract("isin", Waiting())


def test_a_file_is_never_asked_for_more_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(io.BytesIO):
        asked: set[int | None] = set()  # noqa: RUF012 # there is one

        def read(self, size: int | None = -1, /) -> bytes:
            self.asked.add(size)
            return super().read(size)

    file = Counting(b"x" * (3 * BLOCK + 1))
    monkeypatch.setattr(Path, "open", lambda _path, _mode: Counting(file.getvalue()))
    for source in (file, Path("found")):
        assert sum(map(len, text_blocks(source))) == 3 * BLOCK + 1
    assert Counting.asked == {BLOCK}


@pytest.mark.parametrize("path", [Path("/nowhere/at-all"), Path("/"), Path("/proc/self/mem")], ids=str)
def test_a_path_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(OSError, match=f"'{path}'$"):  # the last one can be opened: reading its first bytes fails
        extract("isin", path)


def test_a_stream_is_read_no_further_than_asked() -> None:
    chunks = ['"id":1,'] * BLOCK
    coming = iter(chunks)
    values = stream("order-ids", coming)

    assert [next(values) for _ in range(3)] == [1, 1, 1]
    assert len("".join(chunks)) - len("".join(coming)) < BLOCK + len(chunks[0])
