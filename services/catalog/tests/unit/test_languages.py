"""Which language a reader gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.services.languages import best, wanted


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        (None, []),
        ("", []),
        ("de", ["de"]),
        ("de-CH, fr;q=0.9, en;q=0.8, *;q=0.5", ["de-ch", "fr", "en"]),
        ("en;q=0.1, DE;q=0.2", ["de", "en"]),
        ("de;q=0, en", ["en"]),
        ("de;q=2, en;q=x, fr;q=1.000", ["fr"]),
        ("a\nb, de", ["de"]),
    ],
)
def test_the_header_is_read_in_the_order_of_preference(header: str | None, ranges: list[str]) -> None:
    assert wanted(header) == ranges


@pytest.mark.parametrize(
    ("own", "others", "ranges", "chosen"),
    [
        ("en", ["de", "fr"], [], "en"),
        ("en", ["de", "fr"], ["it"], "en"),
        ("en", ["de", "fr"], ["fr", "de"], "fr"),
        ("en", ["de", "fr"], ["it", "de"], "de"),
        ("en", ["de-AT", "de"], ["de-ch"], "de"),
        ("en", ["de-AT", "de"], ["de-at"], "de-AT"),
        ("en", ["de-AT"], ["de"], "de-AT"),
        ("en", ["en-US"], ["en-gb"], "en"),
        ("en", ["de"], ["en-us", "de"], "en"),
        ("de", ["en"], ["en"], "en"),
    ],
)
def test_the_closest_language_is_chosen(own: str, others: list[str], ranges: list[str], chosen: str) -> None:
    assert best(own, others, ranges) == chosen


@given(st.text(max_size=200))
def test_no_header_is_a_failure(header: str) -> None:
    assert best("en", ["de"], wanted(header)) in {"en", "de"}
