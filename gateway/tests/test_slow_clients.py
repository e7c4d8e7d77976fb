"""Clients that are slow, on purpose or not, and clients that only hold connections open."""

import asyncio

import pytest
from running_gateway import Gateway, open_gateway, reply
from starlette.types import Receive, Scope, Send


async def connected(gateway: Gateway, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(data)
    return reader, writer


@pytest.mark.parametrize("part", [b"G", b"GET /login HTTP/1.1\r\n", b"GET /login HTTP/1.1\r\nHost: a\r\nX-"])
async def test_a_header_that_does_not_end_is_408(part: bytes) -> None:
    async with open_gateway(slow_client_seconds=0.1) as gateway:
        reader, writer = await connected(gateway, part)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request-timeout"' in answer
        assert b"connection: close" in answer
        writer.close()


async def test_a_header_that_comes_byte_by_byte_has_one_time_limit() -> None:
    async with open_gateway(slow_client_seconds=0.2) as gateway:
        reader, writer = await connected(gateway, b"GET /login HTTP/1.1\r\nX: ")

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        dripping.cancel()
        writer.close()


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    async with open_gateway(slow_client_seconds=0.05) as gateway:
        reader, writer = await connected(gateway, b"")
        assert await reader.read() == b""
        writer.close()


async def test_a_connection_that_is_not_used_again_is_closed_without_a_word() -> None:
    async with open_gateway(idle_seconds=0.05) as gateway:
        reader, writer = await connected(gateway, b"GET /login HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert b"service" in await reader.read()
        writer.close()


async def test_a_body_that_comes_too_slowly_is_408_although_it_never_stops() -> None:
    async with open_gateway(slow_client_seconds=0.2, body_rate=10_000) as gateway:
        head = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        reader, writer = await connected(gateway, head)

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        dripping.cancel()
        writer.close()


async def test_a_body_that_is_fast_enough_may_take_longer_than_a_header() -> None:
    async with open_gateway(slow_client_seconds=0.1, body_rate=10) as gateway:
        reader, writer = await connected(gateway, b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):
            writer.write(b"a")
            await asyncio.sleep(0.01)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert gateway.web.asked[0].body == b"a" * 30
        writer.close()


async def test_a_client_that_takes_nothing_of_its_answer_is_cut() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, bytes(64 * 1024 * 1024))

    async with open_gateway(routes={"idle_seconds": 0.1}) as gateway:
        gateway.web.answer = answer
        reader, writer = await connected(gateway, b"GET /login HTTP/1.1\r\nHost: a\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
        while gateway.parts.door.clients:  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.01)
        writer.close()
        del reader


async def test_a_thousand_half_open_connections_disturb_nobody() -> None:
    async with open_gateway(slow_client_seconds=20) as gateway:
        half = [await connected(gateway, b"GET /login HTTP/1.1\r\nHost:") for _ in range(1000)]
        async with asyncio.timeout(10):
            for _ in range(50):
                assert (await gateway.client.get("/login")).status_code == 200
        assert len(gateway.parts.door.clients) > 1000
        for _, writer in half:
            writer.transport.abort()
