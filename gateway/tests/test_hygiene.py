"""What a client says and no service must hear, and what a service says and no client must."""

import re

import pytest
from running_gateway import Gateway, open_gateway, reply
from starlette.types import Receive, Scope, Send

FORGED = {
    "Forwarded": "for=6.6.6.6",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "6.6.6.6",
    "X-User-Id": "1",
    "X-User-Roles": "admin",
    "X-Internal-Call": "1",
}


async def test_what_only_a_door_may_say_is_said_by_the_door(gateway: Gateway) -> None:
    await gateway.client.get("/api/v1/apps", headers=FORGED)
    headers = gateway.catalog.asked[0].headers
    forwarded = {name: value for name, value in headers if re.match(r"x-(?!request-id)|forwarded", name)}
    host = f"127.0.0.1:{gateway.port}"
    assert forwarded == {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": host}
    assert gateway.catalog.asked[0].all("host") == [host]


async def test_naming_our_fields_in_connection_removes_nothing_of_ours(gateway: Gateway) -> None:
    connection = "close, X-Real-IP, X-Forwarded-For, Host, X-Request-ID, Content-Length, X-Custom"
    await gateway.client.post("/api/v1/apps", json={}, headers={**FORGED, "Connection": connection, "X-Custom": "1"})
    asked = gateway.catalog.asked[0]
    assert asked.all("x-forwarded-for") == ["127.0.0.1"]
    assert asked.body == b"{}"
    assert len(asked.all("x-request-id")) == len(asked.all("host")) == 1
    assert asked.all("x-custom") == asked.all("x-real-ip") == []


async def test_hop_by_hop_fields_stay_at_their_hop(gateway: Gateway) -> None:
    sent = ("TE: trailers", "Keep-Alive: timeout=5", "Proxy-Authorization: Basic eA==", "Trailer: X-T", "Upgrade: h2c")
    lines = "\r\n".join(["GET /api/v1/apps HTTP/1.1", "Host: a", *sent, "", ""])
    assert (await gateway.exchange(lines.encode())).startswith(b"HTTP/1.1 200 ")
    names = {name for name, _ in gateway.catalog.asked[0].headers}
    assert names == {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "traceparent"}


async def test_the_answer_has_no_banner_and_no_hop_by_hop_field(gateway: Gateway) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        own = {
            "server": "nginx/1.2",
            "x-powered-by": "x",
            "connection": "x-hop",
            "x-hop": "1",
            "keep-alive": "timeout=1",
        }
        kept = {
            "content-security-policy": "default-src 'self'",
            "etag": '"1"',
            "set-cookie": "a=b",
            "x-request-id": "other-id",
        }
        await reply(send, b"{}", headers=own | kept)

    gateway.web.answer = answer
    headers = (await gateway.client.get("/")).headers
    assert set(headers) == {
        "content-type", "content-length", "content-security-policy", "etag", "set-cookie", "x-request-id",
    }  # fmt: skip
    assert headers["content-security-policy"] == "default-src 'self'"
    assert headers.get_list("x-request-id") != ["other-id"]


@pytest.mark.parametrize(
    ("sent", "accepted"), [("abc-DEF_1.2", True), ("short", False), ("a" * 129, False), ("a b c d e f", False)]
)
async def test_the_request_id_is_accepted_or_made(gateway: Gateway, sent: str, accepted: bool) -> None:
    response = await gateway.client.get("/api/v1/apps", headers={"X-Request-ID": sent})
    (answered,) = response.headers.get_list("x-request-id")
    assert gateway.catalog.asked[0].all("x-request-id") == [answered]
    assert (answered == sent) is accepted
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,128}", answered)


async def test_every_answer_of_the_gateway_itself_has_one_request_id(gateway: Gateway) -> None:
    for path in ("/healthz", "/docs", "/problems/nothing", "/api/none", "/a//b"):
        response = await gateway.client.get(path, headers={"X-Request-ID": "my-own-id-1"})
        assert response.headers.get_list("x-request-id") == ["my-own-id-1"], path


async def test_behind_tls_services_and_browsers_are_told() -> None:
    async with open_gateway(hsts=True) as gateway:
        for path in ("/", "/api/v1/apps", "/healthz", "/api/none"):
            said = (await gateway.client.get(path)).headers["strict-transport-security"]
            assert said == "max-age=31536000; includeSubDomains"
        assert gateway.catalog.asked[0].all("x-forwarded-proto") == ["https"]


async def test_without_tls_no_hsts_and_never_cors(gateway: Gateway) -> None:
    headers = (await gateway.client.get("/api/v1/apps", headers={"Origin": "https://evil.example"})).headers
    assert not [name for name in headers if name.startswith("access-control") or name == "strict-transport-security"]


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 3", "Transfer-Encoding: chunked", "", "0", "", ""],
        ["Content-Length: 3", "Content-Length: 4", "", "abc"],
        ["Content-Length: +3", "", "abc"],
        ["Transfer-Encoding: gzip, chunked", "", "0", "", ""],
        ["Transfer-Encoding: xchunked", "", "0", "", ""],
        ["Authorization: Bearer a", "Authorization: Bearer b", "", ""],
        ["Idempotency-Key: a", "Idempotency-Key: b", "", ""],
        ["Host: b", "", ""],
    ],
)
async def test_what_can_be_read_in_two_ways_is_400(gateway: Gateway, lines: list[str]) -> None:
    request = "\r\n".join(["POST /api/v1/auth/login HTTP/1.1", "Host: a", *lines])
    assert (await gateway.exchange(request.encode())).startswith(b"HTTP/1.1 400 ")
    assert gateway.auth.asked == []


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "evil.example, a", "a:port", "[::1", "a?b"])
async def test_a_host_without_the_form_of_one_is_400(gateway: Gateway, host: str) -> None:
    request = f"GET /api/v1/apps HTTP/1.1\r\nHost: {host}\r\n\r\n"
    assert (await gateway.exchange(request.encode())).startswith(b"HTTP/1.1 400 ")
    assert gateway.catalog.asked == []


@pytest.mark.parametrize("host", ["appraise.example", "localhost:8000", "[::1]:8000", "web_1"])
async def test_an_ordinary_host_is_passed_on(gateway: Gateway, host: str) -> None:
    await gateway.exchange(f"GET /api/v1/apps HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert gateway.catalog.asked[0].all("host") == [host]


async def test_too_many_or_too_large_fields_are_431(gateway: Gateway) -> None:
    many = await gateway.client.get("/api/v1/apps", headers={f"X-{number}": "1" for number in range(100)})
    large = await gateway.client.get("/api/v1/apps", headers={"X-A": "a" * 32_768})
    assert [response.status_code for response in (many, large)] == [431, 431]
    assert large.json()["code"] == "headers-too-large"
    assert gateway.catalog.asked == []


async def test_an_address_beyond_8_kib_is_414(gateway: Gateway) -> None:
    assert (await gateway.client.get("/api/v1/apps?q=" + "a" * 8000)).status_code == 200
    response = await gateway.client.get("/api/v1/apps?q=" + "a" * 8192)
    assert (response.status_code, response.json()["code"]) == (414, "target-too-long")


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/v1/auth/login", 64 * 1024),
        ("/api/v1/categories", 1024 * 1024),
        ("/api/v1/apps", 4 * 1024 * 1024),
        ("/api/v1/tasks/1/proofs", 9 * 1024 * 1024),
        ("/tasks/1", 9 * 1024 * 1024),
    ],
)
async def test_a_body_beyond_the_limit_of_its_route_is_413(gateway: Gateway, path: str, limit: int) -> None:
    async def chunks(size: int) -> object:
        for start in range(0, size, 65536):
            yield bytes(min(65536, size - start))

    fits = await gateway.client.post(path, content=chunks(limit))  # type: ignore[arg-type]  # an async generator is what it takes
    assert fits.status_code == 200
    declared = await gateway.client.post(path, content=bytes(limit + 1))
    chunked = await gateway.client.post(path, content=chunks(limit + 1))  # type: ignore[arg-type]  # as above
    for response in (declared, chunked):
        assert (response.status_code, response.json()["code"]) == (413, "content-too-large")
        assert str(limit) in response.json()["detail"]
    whole = [asked for service in gateway.services.values() for asked in service.asked]
    assert [len(asked.body) for asked in whole] == [limit]
