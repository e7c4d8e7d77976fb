"""Cursors are opaque, and only those that this list gave out are taken."""

import base64
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from servicekit.pagination import MAX_CURSOR, Cursors
from servicekit.problems import InvalidCursor
from servicekit.testing import TEST_SECRET

CURSORS = Cursors(SecretStr(TEST_SECRET))
POSITION = ["2026-01-02T03:04:05Z", "0190a1b2-0000-7000-8000-000000000000", 7, None]
KEYS = st.lists(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text('aé"\\\n~', max_size=20), max_size=4
)


@given(KEYS, st.text("ab:=&é", max_size=10))
def test_a_position_comes_back_as_it_was(position: list[Any], scope: str) -> None:
    assert CURSORS.decode(scope, CURSORS.encode(scope, position)) == position


def test_a_cursor_is_safe_in_an_address_and_within_the_bound() -> None:
    cursor = CURSORS.encode("apps", POSITION)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert len(cursor) < MAX_CURSOR


def test_one_changed_character_is_noticed_anywhere() -> None:
    cursor = CURSORS.encode("apps", POSITION)
    for index in range(len(cursor) - 1):  # the last character may carry bits that mean nothing
        other = "A" if cursor[index] != "A" else "B"
        with pytest.raises(InvalidCursor):
            CURSORS.decode("apps", cursor[:index] + other + cursor[index + 1 :])


@pytest.mark.parametrize(
    "forged",
    ["", "A", "AAAA", "é", "\ud800", "=", "====", "%00", "A" * MAX_CURSOR,
     base64.urlsafe_b64encode(b"x" * 12 + b"[1]").decode()],
)  # fmt: skip
def test_what_was_never_given_out_is_refused(forged: str) -> None:
    with pytest.raises(InvalidCursor) as caught:
        CURSORS.decode("apps", forged)
    assert [fault.pointer for fault in caught.value.errors] == ["/query/cursor"]
    assert caught.value.status == 422


def test_a_cursor_of_another_list_sort_or_platform_is_refused() -> None:
    cursor = CURSORS.encode("apps:-points", POSITION)
    with pytest.raises(InvalidCursor):
        CURSORS.decode("apps:points", cursor)
    with pytest.raises(InvalidCursor):
        Cursors(SecretStr(TEST_SECRET[::-1])).decode("apps:-points", cursor)


def test_a_part_of_a_cursor_is_refused() -> None:
    cursor = CURSORS.encode("apps", POSITION)
    for length in range(len(cursor)):
        with pytest.raises(InvalidCursor):
            CURSORS.decode("apps", cursor[:length])


async def test_the_link_leads_to_the_next_page_with_the_same_filters(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/things?limit=2&q=a%26b&q=c")
    assert answer.headers["link"] == '</api/v1/things?limit=2&q=a%26b&q=c&cursor=next%2Bpage>; rel="next"'
    last = await client.get("/api/v1/things?limit=2&cursor=old")
    assert "link" not in last.headers


async def test_a_path_can_write_no_header(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/things/%0d%0aSet-Cookie:%20a=b%3E%20ü/parts")
    assert answer.status_code == 200
    assert (
        answer.headers["link"]
        == '</api/v1/things/%0D%0ASet-Cookie%3A%20a%3Db%3E%20%C3%BC/parts?cursor=next>; rel="next"'
    )
    assert "set-cookie" not in answer.headers
