"""Which path goes where, and which goes nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_gateway import NAMES, Gateway

from gateway.errors import BadTarget, TargetTooLong
from gateway.routes import ROUTES, Route, RouteTable
from gateway.target import find_route

TABLE = RouteTable()


def upstream_of(path: str) -> str | None:
    route = find_route(TABLE, path.encode(), b"")
    return None if route is None else route.upstream or "the gateway"


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
        find_route(TABLE, path.encode("latin-1"), b"")


@pytest.mark.parametrize("path", ["/a..b", "/a./b", "/...", "/%20", "/caf%C3%A9", "/~me", "/a%7Eb", "/@x:y,z!$&'()*+="])
def test_an_unusual_but_plain_path_passes(path: str) -> None:
    assert upstream_of(path) == "web"


@given(st.binary(max_size=40).map(lambda rest: b"/" + rest))
def test_no_path_leads_the_service_elsewhere_than_the_gateway_thinks(path: bytes) -> None:
    from urllib.parse import unquote_to_bytes

    try:
        route = find_route(TABLE, path, b"")
    except BadTarget:
        return
    assert TABLE.find(unquote_to_bytes(path)) is route
    assert not unquote_to_bytes(path).startswith(b"/internal/") or route is None


def test_the_address_has_a_longest_length() -> None:
    find_route(TABLE, b"/" + b"a" * 4000, b"b" * 4000)
    with pytest.raises(TargetTooLong):
        find_route(TABLE, b"/" + b"a" * 4100, b"b" * 4100)


@pytest.mark.parametrize("prefix", ["api", "/api/", "/a//b", "/a%20b", "/a;b", "/a b", "/caf\xe9", "", "/a/../b"])
def test_a_route_that_could_not_match_is_refused_at_the_start(prefix: str) -> None:
    with pytest.raises(ValueError, match="plain path prefix"):
        Route(prefix, "web")


def test_a_route_listed_twice_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="listed twice"):
        RouteTable([*ROUTES, Route("/api/v1/apps", "web")])


def test_every_upstream_of_the_table_has_an_address() -> None:
    from gateway.settings import Settings

    addresses = {f"{name}_url": "http://127.0.0.1:1" for name in NAMES}
    assert {route.upstream for route in ROUTES} - {None} == set(Settings.model_validate(addresses).upstreams)


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
