"""What is demanded of a pattern of one's own, and what it gives."""

import pytest

from extractor import Match, NotANumberError, Pattern, PatternError, extract, find


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        (r"[0-9]+", "no longest match; give each repeat a bound"),
        (r"a(?=.*b)", "no longest match"),
        (r"(?:ab*)", "no longest match"),
        (r"a{0,3}", "can match nothing"),
        (r"(?=a)", "can match nothing"),
        (r"a|\b", "can match nothing"),
        (r"(a)(b)", "2 capturing groups"),
        (r"(a", "not a regular expression: missing \\)"),
        (r"(?<=a{1,2})b", "not a regular expression: look-behind requires fixed-width"),
        (r"a{1,70000}", "sees 70002 characters ahead, more than 65536"),
        (r"a(?!b{1,70000})", "sees 70003 characters ahead"),
        (r"a{99999999999}", "not a regular expression"),
    ],
)
def test_an_expression_that_a_stream_cannot_hold_is_refused_with_the_reason(regex: str, reason: str) -> None:
    with pytest.raises(PatternError, match=f"^mine: .*{reason}"):
        Pattern("mine", regex)


def test_the_value_is_the_group_and_may_be_a_number() -> None:
    price = Pattern("price", r"EUR (\d{1,9})", number=True)

    assert extract(price, "EUR 12, EUR 7") == [12, 7]
    assert extract(price, "EUR 12, EUR 7", str) == ["12", "7"]
    assert list(find(price, "EUR 12")) == [Match(4, "12")]


def test_a_group_that_took_no_part_gives_an_empty_value_where_the_match_starts() -> None:
    either = Pattern("either", r"a(b)|c")

    assert extract(either, "c ab") == ["", "b"]
    assert list(find(either, " c ab")) == [Match(1, ""), Match(4, "b")]


def test_a_group_that_lies_before_the_match_has_its_own_place() -> None:
    assert list(find(Pattern("after", "(?<=(a))b"), "ab ab")) == [Match(0, "a"), Match(3, "a")]


def test_expressions_know_unicode_also_over_bytes() -> None:
    word = Pattern("word", r"\b\w{1,20}\b")

    assert extract(word, "naïve Übung 数".encode()) == ["naïve", "Übung", "数"]


def test_integers_out_of_words_are_refused() -> None:
    with pytest.raises(NotANumberError, match=r"word: .*'abc'"):
        extract(Pattern("word", "[a-z]{1,9}"), "abc", int)


def test_equal_patterns_are_equal() -> None:
    assert Pattern("a", "a") == Pattern("a", "a")
    assert len({Pattern("a", "a"), Pattern("a", "a"), Pattern("a", "b")}) == 2
