"""Services with several addresses, services that fail, and how much they are asked at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from running_gateway import Gateway, Service, open_gateway, raw_server, reply, serving
from starlette.types import Receive, Scope, Send
from test_failures import assert_problem, closed_port

from gateway.address import FAILURES
from gateway.upstream import RETRIES_AT_ONCE

AWAY = {"upstream-failed", "upstream-unavailable", "upstream-timeout"}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def two_catalogues(**values: object) -> AsyncIterator[tuple[Gateway, Service, Service]]:
    first, second = Service("first"), Service("second")
    async with serving(first) as (one, _), serving(second) as (two, _):
        urls = f"http://127.0.0.1:{one}, http://127.0.0.1:{two}"
        async with open_gateway(catalog_url=urls, **values) as gateway:
            yield gateway, first, second


async def test_requests_are_spread_over_the_addresses_of_a_service() -> None:
    async with two_catalogues() as (gateway, first, second):
        for _ in range(10):
            assert (await gateway.client.get("/api/v1/apps")).status_code == 200
        assert len(first.asked) == len(second.asked) == 5


async def test_the_address_with_less_to_do_is_asked() -> None:
    async with two_catalogues() as (gateway, first, second):
        busy, release = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            busy.set()
            await release.wait()
            await reply(send, b"{}")

        first.answer = second.answer = slow
        waiting = asyncio.create_task(gateway.client.get("/api/v1/apps"))
        await busy.wait()
        first.answer = second.answer = None
        for _ in range(6):
            assert (await gateway.client.get("/api/v1/apps")).status_code == 200
        assert sorted((len(first.asked), len(second.asked))) == [0, 6]
        release.set()
        assert (await waiting).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_when_one_address_is_away_the_other_answers_for_it(method: str) -> None:
    service = Service("catalog")
    async with serving(service) as (port, _):
        urls = f"http://127.0.0.1:{await closed_port()},http://127.0.0.1:{port}"
        async with open_gateway(catalog_url=urls) as gateway:
            # Nothing was sent to the one that is away, so whatever it is may go to the other.
            for _ in range(20):
                assert (await gateway.client.request(method, "/api/v1/apps")).status_code == 200
            assert [address.works for address in gateway.parts.door.upstreams["catalog"].addresses].count(True) == 1
        assert len(service.asked) == 20


async def test_a_service_that_keeps_failing_is_left_alone_until_it_answers_again() -> None:
    requests, well = 0, False

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        head = await reader.readuntil(b"\r\n\r\n")
        requests += not head.startswith(b"GET /healthz")
        if well:
            writer.write(OK)
            await writer.drain()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        address = gateway.parts.door.upstreams["catalog"].addresses[0]
        for _ in range(FAILURES):
            assert_problem(await gateway.client.post("/api/v1/apps"), 502, "upstream-failed")
        assert not address.works
        response = await gateway.client.post("/api/v1/apps")
        assert_problem(response, 503, "upstream-unavailable")
        assert response.headers["retry-after"] == "1"
        assert requests == FAILURES
        well = True
        while not address.works:  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.01)
        assert (await gateway.client.post("/api/v1/apps")).content == b"ok"


async def test_repetitions_have_a_budget() -> None:
    requests = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        if requests % 2 == 0:  # never FAILURES in a row
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            requests += 1
        await reader.readuntil(b"\r\n\r\n")
        requests += 1

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        upstream = gateway.parts.door.upstreams["catalog"]
        answers = [(await gateway.client.get("/api/v1/apps")).status_code for _ in range(60)]
        assert set(answers) == {200, 502}
        assert requests <= 60 + RETRIES_AT_ONCE + 60 * 0.1 + 1
        assert not upstream.may_retry() or answers.count(502) == 0


async def test_event_streams_do_not_use_up_the_places_of_ordinary_requests() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/api/v1/events":
            await reply(send, b"{}")
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.Event().wait()

    async with open_gateway(upstream_requests=1, upstream_streams=5) as gateway:
        gateway.rewards.answer = answer
        streams = [gateway.client.stream("GET", "/api/v1/events") for _ in range(5)]
        pieces = [(await stream.__aenter__()).aiter_raw() for stream in streams]
        assert [await anext(one) for one in pieces] == [b"data: 1\n\n"] * 5
        assert_problem(await gateway.client.get("/api/v1/events"), 503, "overloaded")
        assert (await gateway.client.get("/api/v1/points")).status_code == 200
        for stream in streams:
            await stream.__aexit__(None, None, None)
        while gateway.parts.door.upstreams["rewards"].in_flight[True]:  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.01)


async def test_an_exchange_has_a_longest_time_and_a_stream_has_none() -> None:
    async def drip(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(50):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b""})

    async with open_gateway(routes={"total_seconds": 0.2, "header_seconds": 0.2}) as gateway:
        gateway.rewards.answer = gateway.catalog.answer = drip
        assert (await gateway.client.get("/api/v1/events")).content == b"x" * 50
        with pytest.raises(Exception, match="incomplete chunked read"):
            await gateway.client.get("/api/v1/apps")


async def test_every_place_is_given_back() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with raw_server(broken) as port, open_gateway(ports={"catalog": port}) as gateway:
        await gateway.client.get("/api/v1/apps")
        await gateway.client.get("/login")
        await gateway.client.post("/login", content=b"x" * 9_437_185)
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()
        while any(upstream.in_flight != [0, 0] for upstream in gateway.parts.door.upstreams.values()):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_service_that_dies_and_comes_back_under_load_is_told_by_problems_and_then_by_nothing() -> None:
    service, statuses, faults = Service("catalog"), Counter[int](), list[str]()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        port, _ = await first.enter_async_context(serving(service))
        gateway = await stack.enter_async_context(open_gateway(ports={"catalog": port}))

        async def ask(until: Callable[[], bool]) -> None:
            while not until():
                response = await gateway.client.get("/api/v1/apps")
                statuses[response.status_code] += 1
                if response.status_code != 200 and response.json()["code"] not in AWAY:
                    faults.append(response.text)

        async def ask_many(until: Callable[[], bool]) -> None:
            statuses.clear()
            await asyncio.gather(*(ask(until) for _ in range(8)))

        await ask_many(lambda: statuses[200] > 50)
        assert set(statuses) == {200}
        await first.aclose()
        await ask_many(lambda: statuses[503] > 100)
        assert set(statuses) <= {502, 503, 504}
        await stack.enter_async_context(serving(service, port=port))
        await ask_many(lambda: statuses[200] > 50)
        await ask_many(lambda: statuses[200] > 50)
        assert set(statuses) == {200}
        assert faults == []
