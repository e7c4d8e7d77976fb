"""What the gateway answers itself."""

import re

import pytest
from running_gateway import Gateway, open_gateway
from test_failures import closed_port


async def test_it_lives(gateway: Gateway) -> None:
    response = await gateway.client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_every_service_is(gateway: Gateway) -> None:
    response = await gateway.client.get("/readyz")
    states = dict.fromkeys(("auth", "catalog", "rewards", "isin", "web"), "ok")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "upstreams": states})
    gateway.rewards.ready = 503
    response = await gateway.client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "failed")
    assert response.json()["upstreams"] == states | {"rewards": "failed"}
    gateway.rewards.ready = 404  # it has only /healthz
    assert (await gateway.client.get("/readyz")).status_code == 200


async def test_it_is_not_ready_without_a_service_but_lives() -> None:
    async with open_gateway(ports={"web": await closed_port()}) as gateway:
        response = await gateway.client.get("/readyz")
        assert (response.status_code, response.json()["upstreams"]["web"]) == (503, "failed")
        assert (await gateway.client.get("/healthz")).status_code == 200


async def test_swagger_ui_comes_from_this_machine_under_a_strict_policy(gateway: Gateway) -> None:
    page = await gateway.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [address for address in loaded if not address.startswith(("/docs/assets/", "data:"))] == []
    assert "<script>" not in page.text
    for address in (one for one in loaded if one.startswith("/")):
        asset = await gateway.client.get(address)
        assert asset.status_code == 200
        assert len(asset.content) > 100
        assert asset.headers["content-type"].startswith(("text/css", "text/javascript"))
        assert "etag" in asset.headers
    script = (await gateway.client.get("/docs/assets/docs.js")).text
    assert "http" not in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize(
    "path", ["/docs/assets/none.js", "/docs/assets/__init__.py", "/docs/none", "/docs/", "/problems", "/problems/none"]
)
async def test_an_unknown_page_is_a_404_problem(gateway: Gateway, path: str) -> None:
    response = await gateway.client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


async def test_a_wrong_verb_is_a_405_problem(gateway: Gateway) -> None:
    response = await gateway.client.post("/healthz")
    assert (response.status_code, response.json()["code"], response.headers["allow"]) == (
        405,
        "method-not-allowed",
        "GET, HEAD",
    )


@pytest.mark.parametrize(
    "code", ["not-found", "too-many-requests", "upstream-failed", "bad-target", "upstream-unavailable"]
)
async def test_every_code_has_a_page_and_a_document(gateway: Gateway, code: str) -> None:
    page = await gateway.client.get(
        f"/problems/{code}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<code>{code}</code>" in page.text
    document = await gateway.client.get(f"/problems/{code}", headers={"Accept": "application/json"})
    assert document.headers["content-type"] == "application/json"
    assert set(document.json()) == {"code", "status", "title", "text"}
    assert document.json()["code"] == code


async def test_the_codes_of_the_services_have_pages_that_hold_no_markup_of_theirs(gateway: Gateway) -> None:
    problem = {"code": "own-task", "status": 403, "title": "<b>", "text": "Use `GET /x` & wait <script>."}
    gateway.rewards.documents["/openapi.json"] = {"paths": {}, "x-problems": [problem]}
    page = await gateway.client.get("/problems/own-task")
    assert "<p>Use <code>GET /x</code> &amp; wait &lt;script&gt;.</p>" in page.text
    assert "<h1>&lt;b&gt;</h1>" in page.text
