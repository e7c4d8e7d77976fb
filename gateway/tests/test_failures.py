"""What the client is told when a service does not answer as it should."""

import asyncio

import httpx
import pytest
from running_gateway import Gateway, open_gateway, raw_server, reply
from starlette.types import Receive, Scope, Send

from servicekit.middleware import API_HEADERS


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    headers, problem = response.headers, response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/problems/{code}"
    assert headers["content-type"] == "application/problem+json"
    assert headers.get_list("x-request-id") == [problem["request_id"]]
    assert {name: headers[name] for name in API_HEADERS} == API_HEADERS


async def closed_port() -> int:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_a_service_that_is_away_is_503() -> None:
    async with open_gateway(ports={"catalog": await closed_port()}) as gateway:
        response = await gateway.client.get("/api/v1/apps")
        assert_problem(response, 503, "upstream-unavailable")
        assert response.headers["retry-after"] == "1"
        assert (await gateway.client.get("/api/v1/isins")).status_code == 200


async def test_a_service_that_does_not_answer_in_time_is_504() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        raw_server(handle) as port,
        open_gateway(ports={"catalog": port}, routes={"header_seconds": 0.05}) as gateway,
    ):
        assert_problem(await gateway.client.get("/api/v1/apps"), 504, "upstream-timeout")
        assert_problem(await gateway.client.post("/api/v1/apps", json={}), 504, "upstream-timeout")


async def test_an_answer_that_falls_silent_is_cut() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read()

    async with (
        raw_server(handle) as port,
        open_gateway(ports={"catalog": port}, routes={"idle_seconds": 0.05}) as gateway,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.client.get("/api/v1/apps")


async def test_an_upload_that_falls_silent_is_408() -> None:
    async with open_gateway(routes={"idle_seconds": 0.05}) as gateway:
        for part in (b"half", b""):
            head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\n%bContent-Length: 100\r\n\r\n" % gateway.token
            assert (await gateway.exchange(head + part)).startswith(b"HTTP/1.1 408 ")


async def test_a_service_that_takes_nothing_of_an_upload_is_504() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own
        await asyncio.Event().wait()

    async with (
        raw_server(handle) as port,
        open_gateway(ports={"rewards": port}, routes={"idle_seconds": 0.3}) as gateway,
    ):
        response = await gateway.client.post("/api/v1/tasks/1/proofs", content=bytes(9 * 1024 * 1024))
        assert_problem(response, 504, "upstream-timeout")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
    ids=[
        "nothing",
        "half a head",
        "another protocol",
        "two lengths",
        "length and chunked",
        "a switch",
        "a huge header",
    ],
)
async def test_an_answer_that_is_none_is_502(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        assert_problem(await gateway.client.get("/api/v1/apps"), 502, "upstream-failed")


async def _answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keeps its connection open after one answer, and closes it when the next request comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", {}, 200), ("POST", {"Idempotency-Key": "k"}, 200), ("POST", {}, 502)],
    ids=["safe", "with a key", "neither"],
)
async def test_a_stale_connection_is_replaced_when_repeating_is_harmless(
    method: str, headers: dict[str, str], status: int
) -> None:
    async with raw_server(_answers_once) as port, open_gateway(ports={"catalog": port}) as gateway:
        assert (await gateway.client.get("/api/v1/apps")).status_code == 200
        response = await gateway.client.request(method, "/api/v1/apps", headers=headers)
        assert response.status_code == status


async def test_a_request_that_was_partly_answered_is_never_repeated() -> None:
    requests = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200"):
            await reader.readuntil(b"\r\n\r\n")
            requests += 1
            writer.write(answer)
        await writer.drain()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        assert (await gateway.client.get("/api/v1/apps")).status_code == 200
        assert_problem(await gateway.client.get("/api/v1/apps"), 502, "upstream-failed")
    assert requests == 2


@pytest.mark.parametrize("rest", [[], [b"y"]], ids=["unfinished", "finished"])
async def test_an_upload_in_pieces_is_never_repeated(rest: list[bytes]) -> None:
    connections = 0
    broke = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")
        broke.set()
        if rest:
            await reader.readuntil(b"0\r\n\r\n")

    async def upload() -> object:
        yield b"x"
        await broke.wait()
        for piece in rest:
            yield piece

    async with raw_server(handle) as port, open_gateway(ports={"rewards": port}) as gateway:
        assert (await gateway.client.get("/api/v1/tasks")).status_code == 200
        request = gateway.client.post("/api/v1/tasks", content=upload(), headers={"Idempotency-Key": "k"})  # type: ignore[arg-type]  # an async generator is what it takes
        assert_problem(await request, 502, "upstream-failed")
    assert connections == 1


async def test_bytes_between_two_exchanges_end_the_connection() -> None:
    answered, cut = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        writer.write(answer + b"ok")
        await answered.wait()
        writer.write(answer + b"no")
        assert await reader.read() == b""
        cut.set()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        assert (await gateway.client.get("/api/v1/apps")).content == b"ok"
        answered.set()
        async with asyncio.timeout(5):
            await cut.wait()
        assert (await gateway.client.get("/api/v1/apps")).content == b"ok"


async def test_bytes_that_nobody_asked_for_are_never_an_answer() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        writer.write(answer + b"ok" + answer + b"no")
        await reader.read()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        for _ in range(3):
            assert (await gateway.client.get("/api/v1/apps")).content == b"ok"


async def test_when_a_service_has_all_that_it_can_take_it_is_503() -> None:
    release = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await reply(send, b"{}")

    async with open_gateway(upstream_requests=2) as gateway:
        gateway.catalog.answer = answer
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(gateway.client.get("/api/v1/apps")) for _ in range(3)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused = done.pop().result()
            assert_problem(refused, 503, "overloaded")
            assert refused.headers["retry-after"] == "1"
            release.set()
        assert sorted(task.result().status_code for task in waiting) == [200, 200, 503]


async def test_a_fault_of_our_own_is_500_and_tells_nothing(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> bytes:
        raise RuntimeError("a secret")

    monkeypatch.setattr("gateway.request.Request.head", broken)
    response = await gateway.client.get("/api/v1/apps")
    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
