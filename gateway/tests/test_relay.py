"""What goes through the gateway, in both directions."""

import asyncio

import httpx
import pytest
from running_gateway import Gateway, open_gateway, raw_server, reply
from starlette.types import Receive, Scope, Send


async def test_a_request_reaches_its_service_whole(gateway: Gateway) -> None:
    response = await gateway.client.post(
        "/api/v1/tasks?a=1&b=%20x", json={"app_id": "7"}, headers={"Idempotency-Key": "k"}
    )
    assert (response.status_code, response.json()) == (200, {"service": "rewards"})
    asked = gateway.rewards.asked[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/api/v1/tasks?a=1&b=%20x", b'{"app_id":"7"}')
    assert asked.all("authorization") == [gateway.client.headers["authorization"]]
    assert asked.all("idempotency-key") == ["k"]
    assert asked.all("content-type") == ["application/json"]


async def test_the_raw_path_is_passed_as_it_was_written(gateway: Gateway) -> None:
    await gateway.client.get("/api/v1/apps/by-package/caf%C3%A9%20a?x=%2F..%00")
    assert gateway.catalog.asked[0].target == "/api/v1/apps/by-package/caf%C3%A9%20a?x=%2F..%00"


async def test_connections_to_a_service_are_kept(gateway: Gateway) -> None:
    for _ in range(5):
        await gateway.client.get("/api/v1/apps")
    assert len({asked.client for asked in gateway.catalog.asked}) == 1


async def test_requests_at_the_same_time_get_their_own_answers(gateway: Gateway) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, scope["query_string"])

    gateway.catalog.answer = answer
    responses = await asyncio.gather(*(gateway.client.get(f"/api/v1/apps?{number}") for number in range(60)))
    assert [response.content for response in responses] == [str(number).encode() for number in range(60)]


async def test_an_event_stream_passes_piece_by_piece(gateway: Gateway) -> None:
    first_arrived = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await first_arrived.wait()
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    gateway.rewards.answer = answer
    async with gateway.client.stream("GET", "/api/v1/events") as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        first_arrived.set()
        assert [piece async for piece in pieces] == [b"data: 2\n\n"]


@pytest.mark.parametrize("declared", [True, False], ids=["with a length", "chunked"])
async def test_an_upload_passes_piece_by_piece(gateway: Gateway, declared: bool) -> None:
    piece, count = b"x" * 65536, 128
    first_arrived, received = asyncio.Event(), 0

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal received
        more = True
        while more:
            message = await receive()
            received += len(message["body"])
            more = message["more_body"]
            first_arrived.set()
        await reply(send, b"done")

    async def upload() -> object:
        yield piece
        await first_arrived.wait()  # nothing more is sent before the service has the first piece
        for _ in range(count - 1):
            yield piece

    gateway.rewards.answer = answer
    headers = {"content-length": str(len(piece) * count)} if declared else {}
    response = await gateway.client.post("/api/v1/tasks/1/proofs", content=upload(), headers=headers)  # type: ignore[arg-type]  # an async generator is what it takes
    assert (response.content, received) == (b"done", len(piece) * count)


async def test_a_slow_client_makes_the_service_wait(gateway: Gateway) -> None:
    sent, total = 0, 64 * 1024 * 1024
    stalled = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        headers = [(b"content-length", str(total).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while sent < total:
            try:
                async with asyncio.timeout(0.5):
                    await send({"type": "http.response.body", "body": bytes(1024 * 1024), "more_body": True})
            except TimeoutError:
                break
            sent += 1024 * 1024
        stalled.set()

    gateway.catalog.answer = answer
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /api/v1/apps HTTP/1.1\r\nHost: a\r\n\r\n")
    await stalled.wait()
    assert sent < 32 * 1024 * 1024
    writer.transport.abort()
    del reader


async def test_a_body_is_not_awaited_before_an_early_answer(gateway: Gateway) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"{}", status=401)

    gateway.rewards.answer = answer
    request = b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\n%bContent-Length: 500000\r\n\r\nonly this" % gateway.token
    assert (await gateway.exchange(request)).startswith(b"HTTP/1.1 401 ")
    gateway.rewards.answer = None  # and that connection, which still owes a body, is not used again
    assert (await gateway.client.get("/api/v1/tasks")).status_code == 200


async def test_a_client_that_leaves_is_noticed_by_the_service(gateway: Gateway) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        arrived.set()
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    gateway.rewards.answer = answer
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\n%b\r\n" % gateway.token)
    await arrived.wait()
    writer.close()
    async with asyncio.timeout(5):
        await left.wait()


async def test_a_client_that_leaves_in_its_upload_is_noticed_by_the_service(gateway: Gateway) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "http.request":
            arrived.set()
        left.set()

    gateway.rewards.answer = answer
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = b"POST /api/v1/tasks/1/proofs HTTP/1.1\r\nHost: a\r\n%bContent-Length: 100000\r\n\r\nhalf"
    writer.write(head % gateway.token)
    await arrived.wait()
    writer.close()
    async with asyncio.timeout(5):
        await left.wait()


async def test_expect_100_continue_is_answered_by_the_gateway(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\n%bExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    writer.write(head % gateway.token)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert gateway.rewards.asked[0].body == b"{}"
    assert gateway.rewards.asked[0].all("expect") == []


async def test_head_has_the_length_and_no_body_and_keeps_the_connection(gateway: Gateway) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        gateway.catalog.documents.setdefault("clients", []).append(scope["client"])
        await reply(send, b"x" * 100)

    gateway.catalog.answer = answer
    head = await gateway.client.head("/api/v1/apps")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "100", b"")
    assert (await gateway.client.get("/api/v1/apps")).content == b"x" * 100
    assert len(set(gateway.catalog.documents["clients"])) == 1


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_passes(status: int) -> None:
    # 304 may name the length that the 200 would have.
    lines = [f"HTTP/1.1 {status} X", 'ETag: "1"'] + (["Content-Length: 10"] if status == 304 else [])
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write("\r\n".join([*lines, "", ""]).encode())

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        for _ in range(2):
            response = await gateway.client.get("/api/v1/apps/1", headers={"If-None-Match": '"1"'})
            assert (response.status_code, response.content, response.headers["etag"]) == (status, b"", '"1"')
    assert connections == 1


async def test_an_interim_answer_is_not_the_answer() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        response = await gateway.client.get("/api/v1/apps")
        assert (response.status_code, response.content) == (200, b"ok")
        assert "link" not in response.headers


async def test_a_body_that_ends_with_the_connection_passes_whole() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        await writer.drain()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        for _ in range(2):
            assert (await gateway.client.get("/api/v1/apps")).content == b"until the end"


async def test_a_pipelined_request_gets_its_answer_in_turn(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /api/v1/apps HTTP/1.1\r\nHost: a\r\n\r\nGET /login HTTP/1.1\r\nHost: a\r\n\r\n")
    answers = []
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        answers.append(await reader.readexactly(int(length.split(b":")[1])))
    writer.close()
    assert answers == [b'{"service":"catalog"}', b'{"service":"web"}']


async def test_websockets_are_refused(gateway: Gateway) -> None:
    response = await gateway.client.get("/api/v1/events", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (response.status_code, response.json()["code"]) == (501, "no-websocket")
    assert gateway.rewards.asked == []


async def test_another_upgrade_is_answered_without_it(gateway: Gateway) -> None:
    response = await gateway.client.get(
        "/api/v1/apps",
        headers={"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"},
    )
    assert response.status_code == 200
    names = {name for name, _ in gateway.catalog.asked[0].headers}
    assert names.isdisjoint({"upgrade", "connection", "http2-settings"})


async def test_the_answer_is_cut_when_the_service_breaks_off() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with raw_server(handle) as port, open_gateway(ports={"catalog": port}) as gateway:
        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.client.get("/api/v1/apps")
