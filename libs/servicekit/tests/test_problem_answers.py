"""Every failure is a problem document (RFC 9457) that tells the caller enough, and a stranger nothing."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from servicekit import problems
from servicekit.testing import client_of

THINGS = "/api/v1/things"


async def test_an_expected_failure_has_every_member(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/conflict", headers={"X-Request-ID": "request-0001"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-extra"] == "yes"
    assert answer.json() == {
        "type": "/problems/conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "There is one already.",
        "instance": "/api/v1/conflict",
        "code": "conflict",
        "request_id": "request-0001",
    }


async def test_a_failure_that_says_no_more_has_the_text_of_its_page_as_detail(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing")
    assert answer.json()["detail"] == "There is nothing here, or it belongs to somebody else."
    assert answer.json()["detail"] in {page["text"] for page in problems.describe("servicekit")}


async def test_an_answer_without_content_has_no_type(client: httpx.AsyncClient) -> None:
    answer = await client.delete(f"{THINGS}/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


async def test_head_is_get_without_the_content(client: httpx.AsyncClient) -> None:
    for path in (f"{THINGS}/a", "/healthz", "/api/v1/nothing", "/api/v1/conflict"):
        full, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (full.status_code, b"")
        assert head.headers["content-length"] == full.headers["content-length"]


async def test_too_many_requests_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/slow-down")).headers["retry-after"] == "7"


async def test_an_unknown_route_is_a_problem(client: httpx.AsyncClient) -> None:
    for path in ("/", "/api/v1/nothing", "/api/v1/things/", "/docs", "/api/v1/../healthz"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", THINGS, {"GET", "HEAD", "POST"}),
        ("POST", f"{THINGS}/a", {"DELETE", "GET", "HEAD", "PATCH"}),
        ("TRACE", THINGS, {"GET", "HEAD", "POST"}),
        ("NONSENSE", "/api/v1/upload", {"PUT"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_verb_names_the_right_ones(
    client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


async def test_a_crash_tells_the_caller_nothing_and_the_log_everything(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await client.get("/api/v1/crash", params={"secret": "swordfish"})
    assert answer.status_code == 500
    body = answer.json()
    assert body == {
        "type": "/problems/internal-error",
        "title": "Internal error",
        "status": 500,
        "detail": "Something broke on our side. The `request_id` finds it in the log.",
        "instance": "/api/v1/crash",
        "code": "internal-error",
        "request_id": answer.headers["x-request-id"],
    }
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (failure,) = [entry for entry in logs if entry["event"] == "request.failed"]
    assert failure["exc_info"] is True
    assert failure["log_level"] == "error"
    assert (await client.get(f"{THINGS}/a")).status_code == 200


async def test_a_query_never_reaches_the_log_of_requests(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get(f"{THINGS}/a", params={"token": "swordfish"})
    (entry,) = [entry for entry in logs if entry["event"] == "request"]
    assert "swordfish" not in str(entry)
    assert (entry["method"], entry["path"], entry["status_code"]) == ("GET", f"{THINGS}/a", 200)


async def test_polls_leave_no_lines(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("/healthz")
    assert logs == []


async def test_an_answer_that_has_begun_is_cut_off(app: FastAPI) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("the disk is gone")

    @app.get("/half")
    async def _half() -> StreamingResponse:
        return StreamingResponse(half())

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with capture_logs() as logs, pytest.raises(RuntimeError, match="disk is gone"):
            await client.get("/half")
    assert [entry["event"] for entry in logs] == ["request.failed", "request"]


async def test_the_document_describes_failures_as_problems(app: FastAPI) -> None:
    document = app.openapi()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            assert operation["operationId"].startswith("things_")
    assert {entry["code"] for entry in document["x-problems"]} >= {"conflict", "not-found", "internal-error"}
    assert all(entry["text"] for entry in document["x-problems"])


def test_codes_are_unique_and_each_status_has_its_class() -> None:
    kinds = list(problems._subclasses(problems.DomainError))
    ours = [kind for kind in kinds if kind.__module__.startswith("servicekit.") and kind is not problems.InternalError]
    codes = [kind.code for kind in ours]
    assert len(codes) == len(set(codes))
    assert problems.BY_STATUS[404] is problems.NotFound


async def test_every_answer_has_the_headers_of_an_api(app: FastAPI) -> None:
    async with client_of(app) as client:
        for path in ("/healthz", "/nowhere", f"{THINGS}/a", "/api/v1/crash"):
            with capture_logs():  # the crash is not news
                headers = (await client.get(path)).headers
            assert headers["content-security-policy"] == "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"].startswith("private")
            assert "server" not in headers


@pytest.mark.parametrize("sent", ["12345678", "a" * 128, "0190-abc.DEF_9"])
async def test_a_good_request_id_is_kept(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/nowhere", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent
    assert answer.json()["request_id"] == sent


@pytest.mark.parametrize("sent", [None, "", "short", "a" * 129, "with space", "semi;colon", "12345678\t", "ümlaut12"])
async def test_any_other_is_replaced(client: httpx.AsyncClient, sent: str | None) -> None:
    headers = [] if sent is None else [(b"X-Request-ID", sent.encode())]
    answers = [await client.get("/nowhere", headers=headers) for _ in range(2)]
    made = {answer.headers["x-request-id"] for answer in answers}
    assert len(made) == 2
    assert all(len(name) == 32 and name.isalnum() for name in made)
    assert {answer.json()["request_id"] for answer in answers} == made
