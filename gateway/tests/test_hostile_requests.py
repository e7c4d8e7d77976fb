"""The published suite of hostile requests, each over a raw socket of its own."""

import asyncio
import json

import pytest
from hostile_requests import HOSTILE, Hostile
from running_gateway import Gateway

FOLLOWING = b"GET /following HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
async def test_a_hostile_request_gets_its_answer_and_reaches_nobody(gateway: Gateway, hostile: Hostile) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(hostile.request)
    writer.write(FOLLOWING)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    problem = json.loads(await reader.readexactly(int(lines[b"content-length"])))
    assert (problem["status"], problem["code"]) == (hostile.status, hostile.code)
    assert head.startswith(b"HTTP/1.1 %d " % hostile.status)
    assert lines[b"content-type"] == b"application/problem+json"
    assert lines[b"x-request-id"].decode() == problem["request_id"]
    asked = [one.target for service in gateway.services.values() for one in service.asked]
    if hostile.closes:
        assert lines[b"connection"] == b"close"
        assert await reader.read() == b""
        assert asked == []
    else:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert [one.target for one in gateway.web.asked] == ["/following"]
    writer.close()


def test_the_suite_is_as_large_as_it_says_and_every_name_is_its_own() -> None:
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE) >= 60


async def test_an_address_with_its_own_host_is_taken_as_the_path_alone(gateway: Gateway) -> None:
    request = b"GET http://Appraise.Example:8000/apps?q=1 HTTP/1.1\r\nHost: appraise.example:8000\r\n\r\n"
    answer = await gateway.exchange(request)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert gateway.web.asked[0].target == "/apps?q=1"


async def test_trailers_are_checked_and_go_no_further(gateway: Gateway) -> None:
    body = b"3\r\nabc\r\n0\r\nX-Checksum: 1\r\nX-User-Id: 1\r\n\r\n"
    head = b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n"
    assert (await gateway.exchange(head + body)).startswith(b"HTTP/1.1 200 ")
    (asked,) = gateway.web.asked
    assert asked.body == b"abc"
    assert asked.all("x-user-id") == asked.all("x-checksum") == []
