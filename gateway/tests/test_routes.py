"""Which path goes where, and which goes nowhere."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_gateway import Gateway, changed_table, open_gateway
from structlog.testing import capture_logs

from gateway.errors import BadTarget, TargetTooLong
from gateway.routes import PACKAGED, InvalidTable, RouteTable, load_table
from gateway.target import find_route, origin_form

TABLE = load_table()


def upstream_of(path: str) -> str | None:
    route = find_route(TABLE, path.encode())
    return None if route is None else route.service or "the gateway"


@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        ("/api/v1/auth/login", "auth"),
        ("/api/v1/users/me", "auth"),
        ("/api/v1/audit-events", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/.well-known/openid-configuration", "auth"),
        ("/api/v1/apps", "catalog"),
        ("/api/v1/apps/by-package/com.example", "catalog"),
        ("/api/v1/categories", "catalog"),
        ("/api/v1/imports", "catalog"),
        ("/api/v1/tasks/1/proofs", "rewards"),
        ("/api/v1/proofs/1/image", "rewards"),
        ("/api/v1/reviews", "rewards"),
        ("/api/v1/points/entries", "rewards"),
        ("/api/v1/me/summary", "rewards"),
        ("/api/v1/leaderboard", "rewards"),
        ("/api/v1/events", "rewards"),
        ("/api/v1/isins/US0378331005", "isin"),
        ("/api/v1/feeds/nse/runs", "isin"),
        ("/", "web"),
        ("/login", "web"),
        ("/static/app.css", "web"),
        ("/apiary", "web"),
        ("/docs2", "web"),
        ("/healthz", "the gateway"),
        ("/readyz", "the gateway"),
        ("/openapi.json", "the gateway"),
        ("/docs", "the gateway"),
        ("/docs/assets/docs.js", "the gateway"),
        ("/problems/not-found", "the gateway"),
        ("/api", None),
        ("/api/", None),
        ("/api/v1", None),
        ("/api/v2/apps", None),
        ("/api/v1/appsx", None),
        ("/api/v1/app", None),
        ("/.well-known/other", None),
        ("/.well-known", None),
        ("/internal", None),
        ("/internal/revocations", None),
    ],
)
def test_a_path_leads_to_one_door_or_none(path: str, upstream: str | None) -> None:
    assert upstream_of(path) == upstream


ODD = [
    "/api/v1/apps/%2e%2e/users", "/api/v1/apps/../../../internal/revocations", "/api/v1/apps/.", "/..", "/./",
    "/a/%2E/b",
    "/api/v1/apps/.%2e/x", "/api/v1/apps%2f..%2finternal", "/api/v1/apps%2Fx", "/a%5cb", "/a\\b", "/a%00b",
    "/a%0d%0aX: y",
    "/a;b=c", "/a%3Bb", "//internal/revocations", "/api//v1/apps", "/api/v1/apps//", "/%69nternal/revocations",
    "/%61pi/v1/users", "/api/v1/%61pps", "/internal%2frevocations", "/a%zz", "/a%", "/a%2", "internal", "", "/a b",
    "/caf\xe9",
    "/.%77ell-known/jwks.json", "/%64ocs",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(BadTarget):
        find_route(TABLE, path.encode("latin-1"))


@pytest.mark.parametrize("path", ["/a..b", "/a./b", "/...", "/%20", "/caf%C3%A9", "/~me", "/a%7Eb", "/@x:y,z!$&'()*+="])
def test_an_unusual_but_plain_path_passes(path: str) -> None:
    assert upstream_of(path) == "web"


@given(st.binary(max_size=40).map(lambda rest: b"/" + rest))
def test_no_path_leads_the_service_elsewhere_than_the_gateway_thinks(path: bytes) -> None:
    from urllib.parse import unquote_to_bytes

    try:
        route = find_route(TABLE, path)
    except BadTarget:
        return
    assert TABLE.find(unquote_to_bytes(path)) is route
    assert not unquote_to_bytes(path).startswith(b"/internal/") or route is None


def test_the_address_has_a_longest_length() -> None:
    assert origin_form(b"/" + b"a" * 8191, b"host") == b"/" + b"a" * 8191
    with pytest.raises(TargetTooLong):
        origin_form(b"/" + b"a" * 8192, b"host")


def table_with(tmp_path: Path, text: str) -> RouteTable:
    file = tmp_path / "routes.toml"
    file.write_text(PACKAGED.read_text() + text)
    return load_table(file)


@pytest.mark.parametrize("prefix", ["api", "/api/", "/a//b", "/a%20b", "/a;b", "/a b", "/caf\xe9", "", "/a/../b"])
def test_a_route_that_could_not_match_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(InvalidTable, match="plain path prefix"):
        table_with(tmp_path, f'[[routes]]\nprefix = "{prefix}"\nservice = "web"\n')


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('prefix = "/api/v1/apps"', "listed twice"),
        ('prefix = "/healthz"', "listed twice"),
        ('prefix = "/x"\npolicy = "none"', "no such policy: none"),
        ('prefix = "/x"\nmethods = ["BREW"]', "methods"),
        ('prefix = "/x"\nmethods = []', "methods"),
        ('prefix = "/x"\nbody_limit = -1', "body_limit"),
        ('prefix = "/x"\npublic = "yes"', "public"),
        ('prefix = "/x"\nheader_seconds = 0', "header_seconds"),
        ('prefix = "/x"\nbody_limits = 1', "body_limits"),
        ('prefix = "/x', "at line"),
    ],
)
def test_a_table_with_a_fault_is_refused_and_the_fault_named(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(InvalidTable, match=fault):
        table_with(tmp_path, f'[[routes]]\nservice = "web"\n{line}\n')


def test_a_route_to_an_unknown_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="service"):
        table_with(tmp_path, '[[routes]]\nprefix = "/x"\nservice = "elsewhere"\n')


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"nothing\.toml"):
        load_table(tmp_path / "nothing.toml")


async def test_a_reload_takes_a_good_file_and_keeps_the_table_before_a_bad_one(tmp_path: Path) -> None:
    file = changed_table(tmp_path / "routes.toml", {})
    good = file.read_text()
    async with open_gateway(routes_file=file) as gateway:
        assert (await gateway.client.get("/api/v1/coupons")).status_code == 404
        file.write_text(good + '[[routes]]\nprefix = "/api/v1/coupons"\nservice = "rewards"\n')
        assert (await gateway.client.get("/api/v1/coupons")).status_code == 404
        gateway.parts.reload()
        assert (await gateway.client.get("/api/v1/coupons")).status_code == 200
        file.write_text(good + '[[routes]]\nprefix = "/api/v1/coupons"\nservice = "nobody"\n')
        with capture_logs() as logs:
            gateway.parts.reload()
        assert (await gateway.client.get("/api/v1/coupons")).status_code == 200
    assert [(line["event"], line["log_level"]) for line in logs] == [("routes.kept", "error")]
    assert "nobody" not in logs[0]["detail"]
    assert "service" in logs[0]["detail"]


PUBLISHED = json.loads((Path(__file__).parents[1] / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (method.upper(), path, {} in operation.get("security", [{}]))
    for path, item in PUBLISHED["paths"].items()
    for method, operation in item.items()
    if path.startswith("/api/")
]


@pytest.mark.parametrize(("method", "path", "public"), OPERATIONS)
def test_every_published_operation_passes_and_needs_a_token_unless_anyone_may_call_it(
    method: str, path: str, public: bool
) -> None:
    entry = TABLE.find(path.encode())
    assert entry is not None
    assert method.encode() in entry.methods
    assert not (public and method.encode() in entry.needs_token)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("TRACE", "/api/v1/apps", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("OPTIONS", "/api/v1/apps", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("POST", "/api/v1/events", "GET, HEAD"),
        ("DELETE", "/.well-known/jwks.json", "GET, HEAD"),
        ("PUT", "/login", "GET, HEAD, POST"),
        ("BREW", "/login", "GET, HEAD, POST"),
        ("get", "/login", "GET, HEAD, POST"),
        ("DELETE", "/docs", "GET, HEAD"),
    ],
)
async def test_a_method_that_the_route_has_not_is_405(gateway: Gateway, method: str, path: str, allow: str) -> None:
    answer = await gateway.exchange(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert f"allow: {allow}\r\n".encode() in answer
    assert b'"code":"method-not-allowed"' in answer


@pytest.mark.parametrize("path", [path for path in ODD if path.startswith("/") and " " not in path and path.isascii()])
async def test_over_http_a_path_that_is_not_plain_is_400(gateway: Gateway, path: str) -> None:
    answer = await gateway.exchange(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad-target"' in answer
    assert [service.asked for service in gateway.services.values()] == [[]] * 5


@pytest.mark.parametrize("path", ["/internal", "/internal/revocations", "/api/v1/none", "/.well-known/none", "/api"])
async def test_over_http_an_unlisted_path_is_404(gateway: Gateway, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        response = await gateway.client.request(method, path)
        assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert [service.asked for service in gateway.services.values()] == [[]] * 5
