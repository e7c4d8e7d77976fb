"""What publishers answer when they are asked where their files are."""

import json
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from isin_worker.feeds.esma_firds import SolrList
from isin_worker.feeds.fca_firds import ElasticList
from isin_worker.feeds.gleif_isin_lei import LatestMapping
from isin_worker.feeds.source import NotListed, Release, Span

TODAY = date(2026, 11, 21)  # a Saturday
HOST = "https://firds.esma.europa.eu/firds/"


def day(days_ago: int) -> str:
    return f"{TODAY - timedelta(days=days_ago):%Y%m%d}"


def released(names: list[str], span: Span, categories: str = "E") -> Release:
    documents = [{"download_link": HOST + name, "checksum": "0" * 32} for name in names]
    answer = json.dumps({"response": {"numFound": len(documents), "docs": documents}}).encode()
    return SolrList(categories).release(answer, "", span)


def chosen(names: list[str], *, after: int | None, categories: str = "E") -> list[str]:
    """The files that lead to today's list, where that of so many days ago stands."""
    release = released(names, Span(TODAY, None if after is None else TODAY - timedelta(days=after)), categories)
    assert release.version == " ".join(file.url.removeprefix(HOST) for file in release.files)
    assert all((file.mode == "full") == ("FULINS" in file.url) for file in release.files)
    return [file.url.removeprefix(HOST) for file in release.files]


FULL = [f"FULINS_E_{day(3)}_01of02.zip", f"FULINS_E_{day(3)}_02of02.zip"]
CHANGES = [f"DLTINS_{day(days)}_01of01.zip" for days in (4, 3, 2, 1, 0)]


def test_the_first_list_is_the_newest_full_one_and_the_changes_since_in_their_order() -> None:
    assert (
        chosen([*reversed(CHANGES), *reversed(FULL), f"FULCAN_{day(0)}_01of01.zip"], after=None) == FULL + CHANGES[2:]
    )


def test_later_only_the_changes_since_are_wanted() -> None:
    assert chosen(FULL + CHANGES, after=1) == CHANGES[4:]
    assert chosen(FULL + CHANGES, after=2) == CHANGES[3:]


def test_a_full_list_that_is_newer_than_what_stands_starts_anew() -> None:
    assert chosen(FULL + CHANGES, after=5) == FULL + CHANGES[2:]


def test_a_full_list_of_today_needs_no_changes() -> None:
    full = [f"FULINS_E_{day(0)}_01of01.zip"]
    assert chosen(full + CHANGES, after=1) == full


def test_a_day_without_changes_in_between_is_none_that_is_missing() -> None:
    assert chosen([*FULL, CHANGES[2], CHANGES[4]], after=None) == [*FULL, CHANGES[2], CHANGES[4]]


def test_only_wanted_categories_are_fetched() -> None:
    other = f"FULINS_S_{day(3)}_01of01.zip"
    assert other not in chosen([*FULL, other, *CHANGES], after=None)


@pytest.mark.parametrize(
    ("names", "after", "categories", "words"),
    [
        (CHANGES, None, "E", "no full file is listed up to 2026-11-21"),
        (FULL[1:] + CHANGES, None, "E", "not listed yet: FULINS_E_20261118_01of02"),
        (FULL + CHANGES, None, "CE", "not listed yet: FULINS_C_20261118"),
        (FULL + CHANGES[:4], 1, "E", "the changes of 2026-11-21 are not listed yet"),
        ([*FULL, f"DLTINS_{day(0)}_02of02.zip"], 1, "E", "not listed yet: DLTINS_20261121_01of02"),
    ],
)
def test_while_something_is_missing_there_is_no_list(
    names: list[str], after: int | None, categories: str, words: str
) -> None:
    with pytest.raises(NotListed, match=words):
        chosen(names, after=after, categories=categories)


def test_when_it_was_waited_for_the_release_says_which_parts_are_missing() -> None:
    release = released([*FULL[1:], *CHANGES[:4], f"DLTINS_{day(0)}_02of03.zip"], Span(TODAY, final=True), "CE")
    assert len(release.files) == 4
    assert release.missing == (
        "FULINS_C_20261118",
        "FULINS_E_20261118_01of02",
        "DLTINS_20261121_01of03",
        "DLTINS_20261121_03of03",
    )


def test_when_it_was_waited_for_a_full_list_that_is_not_listed_is_missing() -> None:
    assert released(CHANGES, Span(TODAY, final=True)) == Release(files=(), missing=("a full file up to 2026-11-21",))


def test_when_it_was_waited_for_a_day_without_changes_has_none() -> None:
    yesterday = TODAY - timedelta(days=1)
    assert released(FULL + CHANGES[:4], Span(TODAY, yesterday, final=True)) == Release(files=(), version="")
    first = released(FULL + CHANGES[:4], Span(TODAY, final=True))
    assert (len(first.files), first.missing) == (4, ())


def test_changes_that_come_after_their_day_are_not_passed_over() -> None:
    # What stands was confirmed yesterday, when there was nothing newer than the changes of two days ago.
    span = Span(TODAY, TODAY - timedelta(days=1), version=f"{FULL[0]} {FULL[1]} {CHANGES[1]} {CHANGES[2]}")
    assert [file.url.removeprefix(HOST) for file in released(FULL + CHANGES, span).files] == CHANGES[3:]


def test_esma_is_asked_for_all_days_from_which_the_list_may_come() -> None:
    question = SolrList("E").question("https://registers.example/select", Span(TODAY, TODAY - timedelta(days=1)))
    asked = parse_qs(urlsplit(str(question)).query)
    assert asked["fq"] == ["publication_date:[2026-11-13T00:00:00Z TO 2026-11-21T23:59:59Z]"]
    assert (asked["wt"], asked["start"]) == (["json"], ["0"])


def test_the_fca_answers_as_a_search_does_and_has_no_checksums() -> None:
    hits = [{"_source": {"download_link": HOST + name}} for name in FULL + CHANGES]
    for total in (len(hits), {"value": len(hits)}):
        answer = json.dumps({"hits": {"total": total, "hits": hits}}).encode()
        release = ElasticList("E").release(answer, "", Span(TODAY))
        assert [file.url.removeprefix(HOST) for file in release.files] == FULL + CHANGES[2:]
        assert {file.md5 for file in release.files} == {None}


def test_a_list_that_is_not_shown_whole_is_none() -> None:
    with pytest.raises(NotListed, match="lists 5 files and shows 0"):
        SolrList("E").release(b'{"response": {"numFound": 5, "docs": []}}', "", Span(TODAY))
    with pytest.raises(NotListed, match="lists 5 files and shows 0"):
        ElasticList("E").release(b'{"hits": {"total": 5, "hits": []}}', "", Span(TODAY))


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"[]", b"{}", b'{"response": 1}', b'{"hits": {"hits": [1]}}', b"\xff"]
)
def test_an_answer_of_another_shape_is_a_plain_error(answer: bytes) -> None:
    for source in (SolrList("E"), ElasticList("E"), LatestMapping()):
        with pytest.raises(NotListed):
            source.release(answer, "", Span(TODAY))
