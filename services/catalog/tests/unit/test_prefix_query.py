"""From typed text to a text query."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.repositories.search import prefix_query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", ""),
        (" \t", ""),
        ("&|!:*'\\", ""),
        ("mail", "'mail':*"),
        ("K-9 Mail", "'K':* & '9':* & 'Mail':*"),
        ("com.Acme_Tools", "'com':* & 'Acme':* & 'Tools':*"),
        ("o'brien", "'o':* & 'brien':*"),
        ("“Zürich”", "'Zürich':*"),
        ("हिन्दी", "'हिन्दी':*"),
        ("a\u00a0b\u2003c", "'a':* & 'b':* & 'c':*"),
    ],
)
def test_each_word_becomes_a_prefix(text: str, query: str) -> None:
    assert prefix_query(text) == query


@given(st.text())
def test_words_never_hold_a_character_that_means_something_to_postgres(text: str) -> None:
    query = prefix_query(text)
    assert query == "" or re.fullmatch(r"'[^'\\\s&|!:*()<>]+':\*( & '[^'\\\s&|!:*()<>]+':\*)*", query)
