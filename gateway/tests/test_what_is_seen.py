"""Logs, metrics and traces: what they say, and what they never say."""

import re

import pytest
from prometheus_client import generate_latest
from running_gateway import Gateway, open_gateway
from structlog.testing import capture_logs

CANARY = "canary-7f3a9c"


async def test_every_request_has_a_line_and_none_holds_a_secret(gateway: Gateway) -> None:
    secret = {"Authorization": f"Bearer {CANARY}", "Cookie": f"appraise={CANARY}", "Idempotency-Key": CANARY}
    with capture_logs() as own:
        await gateway.client.get(f"/verify-email?token={CANARY}", headers=secret)
        await gateway.client.post("/api/v1/auth/login", json={"password": CANARY}, headers=secret)
        await gateway.client.get(f"/api/v1/points?x={CANARY}", headers=secret)
        await gateway.client.get(f"/docs?x={CANARY}", headers=secret)
        await gateway.exchange(f"GET /{CANARY}\x01 HTTP/1.1\r\n\r\n".encode())
        await gateway.exchange(f"GET /login HTTP/1.1\r\nHost: a\r\nX_Token: {CANARY}\r\n\r\n".encode())
    lines = gateway.lines()
    assert [(line["path"], line["status_code"]) for line in lines] == [
        ("/verify-email", 200),
        ("/api/v1/auth/login", 200),
        ("/api/v1/points", 401),
        ("/", 400),
        ("/", 400),
    ]
    assert [line["event"] for line in lines] == ["request"] * 2 + ["request.refused"] * 3
    assert CANARY not in gateway.log.getvalue().decode()
    assert CANARY not in repr(own)


async def test_a_line_says_who_asked_what_of_whom(gateway: Gateway) -> None:
    response = await gateway.client.get("/api/v1/isins/x", headers={"X-Request-ID": "my-own-id-1"})
    (line,) = gateway.lines()
    assert response.headers["x-request-id"] == line["request_id"] == "my-own-id-1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("trace_id"))
    assert re.fullmatch(r"[0-9a-f]{16}", line.pop("span_id"))
    assert line.pop("ms") >= 0
    assert line == {
        "service": "gateway", "event": "request", "level": "info", "upstream": "isin", "method": "GET",
        "path": "/api/v1/isins/x", "status_code": 200, "request_id": "my-own-id-1", "client": "127.0.0.1",
        "user_id": "00000000-0000-0000-0000-000000000001",
    }  # fmt: skip


async def test_of_good_answers_a_share_has_a_line_and_all_refusals_have_one() -> None:
    async with open_gateway(access_log=0.1) as gateway:
        for _ in range(50):
            await gateway.client.get("/login")
            await gateway.client.get("/internal/x")
        statuses = [line["status_code"] for line in gateway.lines()]
        assert (statuses.count(200), statuses.count(404)) == (5, 50)


async def test_a_service_hears_the_trace_of_the_client_and_our_part_of_it(gateway: Gateway) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await gateway.client.get("/login", headers={"traceparent": f"00-{trace}-{parent}-00", "tracestate": "a=1"})
    (sent,) = gateway.web.asked[0].all("traceparent")
    assert re.fullmatch(rf"00-{trace}-[0-9a-f]{{16}}-00", sent)
    assert parent not in sent
    assert gateway.web.asked[0].all("tracestate") == ["a=1"]
    line = gateway.lines()[0]
    assert (line["trace_id"], line["parent_id"]) == (trace, parent)
    assert sent == f"00-{trace}-{line['span_id']}-00"


async def test_what_is_recorded_is_decided_by_the_id_of_the_trace_and_not_by_the_client() -> None:
    async with open_gateway(traces_url="http://127.0.0.1:9/v1/traces", traces_share=0.5) as gateway:
        for half, recorded in (("7fff", b"01"), ("8000", b"00")):
            trace = f"{'a' * 16}{half}{'0' * 12}"
            for wanted in ("00", "01"):
                sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-{wanted}"}
                await gateway.client.get("/login", headers=sent)
                (heard,) = gateway.web.asked[-1].all("traceparent")
                assert heard.startswith(f"00-{trace}-")
                assert heard[-2:] == recorded.decode()


@pytest.mark.parametrize("sent", ["", "00-0-0-00", f"00-{'0' * 32}-b7ad6b7169203331-01", "ff-" + "a" * 52])
async def test_without_a_good_trace_one_begins_here(gateway: Gateway, sent: str) -> None:
    await gateway.client.get("/login", headers={"traceparent": sent})
    (begun,) = gateway.web.asked[0].all("traceparent")
    assert re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01", begun)
    assert gateway.lines()[0]["trace_id"] == begun[3:35]


async def test_prometheus_sees_answers_times_refusals_and_how_the_door_stands(gateway: Gateway) -> None:
    await gateway.client.get("/login")
    await gateway.client.get("/internal/x")
    text = generate_latest(gateway.parts.metrics.registry()).decode()
    for line in (
        'gateway_requests_total{service="web",status="200"} 1.0',
        'gateway_refusals_total{code="not-found",service="gateway"} 1.0',
        'gateway_request_seconds_bucket{le="+Inf",service="web"} 1.0',
        'gateway_in_flight{kind="ordinary",service="web"} 0.0',
        "gateway_connections 1.0",
    ):
        assert line in text
    assert text.count("gateway_address_works{") == 5


async def test_the_public_port_has_no_metrics(gateway: Gateway) -> None:
    assert (await gateway.client.get("/metrics")).json() == {"service": "web"}
