"""What each named pattern finds, and what it leaves."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor import PATTERNS, ExtractorError, Match, UnknownPatternError, extract, find, named, package_name

ORDERS = Path(__file__).parent / "data" / "orders.json"
IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 648, 649, 650, 651, 652, 653]


@pytest.mark.parametrize(
    ("name", "expected"), [("order-numbers", [*IDS, 3]), ("order-ids", IDS), ("after-colon", [*IDS, 3])]
)
def test_the_numbers_of_the_orders_come_in_order_and_nothing_else_does(name: str, expected: list[int]) -> None:
    text = ORDERS.read_text("utf-8")

    assert extract(name, text) == expected
    assert extract(name, text, str) == [str(number) for number in expected]
    assert extract(name, ORDERS) == extract(name, text.encode()) == expected


def test_after_colon_is_the_expression_with_a_look_behind() -> None:
    text = '12:30, a:1:22:, :x7 : 8 ::9 :-1 "k":05 :1.5'

    assert extract("after-colon", text, str) == re.findall(r"(?<=:)\d+", text) == ["30", "1", "22", "9", "05", "1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id" : 5, "code"\t:\n 6}', [5, 6]),
        ('{"order_id":1,"ids":2,"ID":3,"barcode":4}', []),
        ('{"id":"7","code":null,"id":-8}', []),
        (r'{"note":"{\"id\":9}"}', []),
        ('"id"' + " " * 200 + ":" + "\n" * 200 + "1", [1]),
        ('"id"' + " " * 201 + ":1", []),
        ('"id":0012', [12]),
        ('"id":١٢', []),
        ("", []),
    ],
)
def test_order_numbers_are_digits_straight_behind_their_key(text: str, expected: list[int]) -> None:
    assert extract("order-numbers", text) == expected


def test_a_run_of_digits_that_int_cannot_read_is_left_out_whole() -> None:
    longest, longer = "9" * 4300, "9" * 4301

    assert extract("after-colon", f":{longest}:{longer}:5") == [int(longest), 5]
    assert extract("order-numbers", f'"id":{longer},"id":{longest}', str) == [longest]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US0378331005", ["US0378331005"]),
        ("(US0378331005),GB0002634946;", ["US0378331005", "GB0002634946"]),
        ("代码US0378331005。“GB0002634946”", ["US0378331005", "GB0002634946"]),
        ("US0378331006 ZZ9999999999", ["US0378331006", "ZZ9999999999"]),
        ("XUS0378331005 US03783310055 _US0378331005 US0378331005_", []),
        ("us0378331005 US037833100A 1S0378331005 US037833100", []),
        ("INTERNATIONAL1 SUBSCRIPTIO", []),
    ],
)
def test_isins_are_words_of_the_right_shape_whatever_their_check_digit(text: str, expected: list[str]) -> None:
    assert extract("isin", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://play.google.com/store/apps/details?id=com.Example.app_1&hl=en", ["com.Example.app_1"]),
        ("http://PLAY.google.com/store/apps/details?hl=en&gl=US&id=com.example.", ["com.example"]),
        ("play.google.com/store/apps/details/Some_App?hl=en&amp;id=com.example#x", ["com.example"]),
        ("<a href='market://details?id=com.example&referrer=a.b'>", ["com.example"]),
        (
            'com.example "org.Example.App", package:net.x\n(io.y_z).',
            ["com.example", "org.Example.App", "net.x", "io.y_z"],
        ),
        ("https://play.google.com/store/apps/developer?id=Maker.Inc", []),
        ("https://example.com/details?id=com.example", []),
        ("me@example.com a.b@example.com example.com/path -a.b a.b-c /a.b", []),
        ("com.1a 1a.b com a..b com._x .a.b", []),
        ("a." * 111 + "a", ["a." * 111 + "a"]),
        ("a." * 111 + "ab", []),
    ],
)
def test_package_names_come_bare_or_out_of_a_play_store_link(text: str, expected: list[str]) -> None:
    assert extract("android-package", text) == expected


@given(
    text=st.lists(st.sampled_from([*"aA1_.. -/@:?&=", "com", "play.google.com", "market://details?id=", "é"])).map(
        "".join
    )
)
def test_every_package_name_that_is_found_is_one(text: str) -> None:
    for name in extract("android-package", text, str):
        assert package_name(name) == name


@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}(\.[A-Za-z][A-Za-z0-9_]{0,9}){1,9}", fullmatch=True))
def test_every_package_name_is_found_alone_and_in_a_link(name: str) -> None:
    links = [f"https://play.google.com/store/apps/details?id={name}&hl=en", f"market://details?id={name}"]

    assert extract("android-package", " ".join([name, *links])) == [name] * 3
    assert [package_name(link) for link in links] == [name] * 2


def test_places_are_counted_in_characters_also_of_bytes() -> None:
    text = "é𝄞 US0378331005 “GB0002634946”"
    expected = [Match(3, "US0378331005"), Match(17, "GB0002634946")]

    assert list(find("isin", text)) == list(find("isin", text.encode())) == expected
    assert list(find("order-numbers", ' "id": 12')) == [Match(7, "12")]


def test_an_unknown_name_is_refused_with_names_that_are_near() -> None:
    with pytest.raises(UnknownPatternError, match=r"no pattern named 'order-number'; did you mean order-numbers"):
        extract("order-number", "")
    with pytest.raises(
        UnknownPatternError, match=r"^no pattern named 'order'; did you mean order-ids or order-numbers\?$"
    ):
        extract("order", "")
    with pytest.raises(ExtractorError, match="there are order-numbers, order-ids, after-colon, isin, android-package"):
        find("zzz", "")
    assert [named(name).name for name in PATTERNS] == list(PATTERNS)
