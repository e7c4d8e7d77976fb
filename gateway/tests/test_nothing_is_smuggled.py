"""The parser against a judge, for a moment; ``chaos/gateway_fuzz.py`` does the same for as long as one likes."""

import asyncio

from hypothesis import example, given, settings
from judge import assert_nothing_was_smuggled, cuts, inputs, pieces_of, read, through_the_gateway

CHUNKED = b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

SAME_HEADER_IN_AN_OLDER_VERSION = (
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /d HTTP/1.0\r\nHost: a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
)


@given(data=inputs, places=cuts)
@settings(max_examples=300, deadline=None)
@example(data=CHUNKED, places=[60, 64])
@example(data=SAME_HEADER_IN_AN_OLDER_VERSION, places=[])
def test_a_service_gets_what_the_client_said_or_nothing(data: bytes, places: list[int]) -> None:
    judge, _ = asyncio.run(through_the_gateway(pieces_of(data, places)))
    assert_nothing_was_smuggled(data, judge)


def test_the_judge_sees_what_is_sent_in_any_pieces() -> None:
    data = CHUNKED + b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    for at in range(1, len(data)):
        judge, answers = asyncio.run(through_the_gateway([data[:at], data[at:]]))
        assert judge.got == [(b"POST", b"/b", b"hello"), (b"GET", b"/a", b"")] == read(data)
        assert answers.count(b"HTTP/1.1 200 OK") == 2
