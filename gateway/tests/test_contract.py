"""One OpenAPI document out of many."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from running_gateway import NAMES, open_gateway

from gateway.main import create_gateway
from gateway.merge import merge
from gateway.routes import load_table
from gateway.settings import Settings
from servicekit.app import create_service_app
from servicekit.permissions import SignedIn
from servicekit.schemas import Output

TABLE = load_table()


def document(path: str, operation: str, schemas: dict[str, Any], **more: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{next(iter(schemas))}"}
    answer = {"description": "", "content": {"application/json": {"schema": reference}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {path: {"get": {"operationId": operation, "responses": {"200": answer}}}},
        "components": {"schemas": schemas},
        **more,
    }


def answer_schema(merged: dict[str, Any], path: str) -> str:
    reference: str = merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]


STATUS = {"enum": ["a", "b"]}
ITEM = {"properties": {"status": {"$ref": "#/components/schemas/Status"}}}


def test_the_same_component_is_shared() -> None:
    merged = merge(
        {
            "catalog": document("/api/v1/apps", "catalog_list", {"Item": ITEM, "Status": STATUS}),
            "rewards": document("/api/v1/tasks", "rewards_list", {"Item": ITEM, "Status": STATUS}),
        },
        TABLE,
    )
    assert set(merged["components"]["schemas"]) == {"Item", "Status"}
    assert answer_schema(merged, "/api/v1/apps") == answer_schema(merged, "/api/v1/tasks") == "Item"


def test_components_that_only_share_a_name_are_kept_apart_with_all_that_refers_to_them() -> None:
    other = {"enum": ["c"]}
    merged = merge(
        {
            "catalog": document(
                "/api/v1/apps", "catalog_list", {"Item": ITEM, "Status": STATUS, "Same": {"type": "null"}}
            ),
            "rewards": document(
                "/api/v1/tasks", "rewards_list", {"Item": ITEM, "Status": other, "Same": {"type": "null"}}
            ),
        },
        TABLE,
    )
    schemas = merged["components"]["schemas"]
    assert set(schemas) == {"Item", "Status", "Same", "rewards_Item", "rewards_Status"}
    assert schemas["Status"] == STATUS
    assert schemas["rewards_Status"] == other
    assert answer_schema(merged, "/api/v1/apps") == "Item"
    assert answer_schema(merged, "/api/v1/tasks") == "rewards_Item"
    assert schemas["rewards_Item"]["properties"]["status"]["$ref"] == "#/components/schemas/rewards_Status"
    assert schemas["Item"] == ITEM


def test_only_what_is_passed_on_is_in_it() -> None:
    original = document("/api/v1/apps", "list", {"A": {}})
    operation = original["paths"]["/api/v1/apps"]["get"]
    for path in ("/internal/x", "/healthz", "/api/v1/users", "/api/v1/none"):
        original["paths"][path] = {"get": operation}
    merged = merge({"catalog": original}, TABLE)
    assert list(merged["paths"]) == ["/api/v1/apps"]
    assert merged["paths"]["/api/v1/apps"]["get"]["operationId"] == "catalog_list"
    assert merged["paths"]["/api/v1/apps"]["get"]["tags"] == ["catalog"]
    assert original["paths"]["/api/v1/apps"]["get"]["operationId"] == "list"  # what was given is not changed


class Item(Output):
    name: str


router = APIRouter()


@router.get("/api/v1/apps/{app_id}")
async def read(app_id: int, user: SignedIn) -> Item:
    """An app."""
    raise AssertionError("only described here, never called")


def service_document(package: str, path: str) -> dict[str, Any]:
    routes = APIRouter()
    routes.add_api_route(path, read)
    app = create_service_app(package=package, title=package, description="", lifespan=None, routers=[routes])  # type: ignore[arg-type]  # it never runs
    return app.openapi()


async def test_over_http_the_documents_of_real_services_become_one() -> None:
    async with open_gateway() as gateway:
        gateway.catalog.documents["/openapi.json"] = service_document("catalog_service", "/api/v1/apps/{app_id}")
        gateway.rewards.documents["/openapi.json"] = service_document("rewards_service", "/api/v1/tasks/{app_id}")
        merged = (await gateway.client.get("/openapi.json")).json()
    assert merged["openapi"].startswith("3.1")
    assert merged["servers"] == [{"url": "/"}]
    operations = [operation for path in merged["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert set(ids) >= {"catalog_read", "rewards_read", "gateway_healthz", "gateway_readyz", "gateway_problem"}
    assert len(ids) == len(set(ids))
    assert all(operation["operationId"].startswith(operation["tags"][0] + "_") for operation in operations)
    flow = {"password": {"scopes": {}, "tokenUrl": "/api/v1/auth/token"}}
    assert merged["components"]["securitySchemes"] == {"account": {"type": "oauth2", "flows": flow}}
    assert set(merged["components"]["schemas"]).isdisjoint({"HTTPValidationError", "ValidationError"})
    assert [tag["name"] for tag in merged["tags"]] == ["gateway", "catalog", "rewards"]
    dangling = {text for text in _strings(merged) if text.startswith("#/") and not _resolves(merged, text)}
    assert dangling == set()


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in _strings(member)]
    if isinstance(value, list):
        return [text for member in value for text in _strings(member)]
    return [value] if isinstance(value, str) else []


def _resolves(merged: Any, pointer: str) -> bool:
    for part in pointer.split("/")[1:]:
        merged = merged.get(part, {})
    return bool(merged)


def test_the_committed_contracts_become_one() -> None:
    root = Path(__file__).parents[2] / "services"
    files = {path.parent.name.removesuffix("-worker"): path for path in root.glob("*/openapi.json")}
    originals = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}
    merged = merge(originals, TABLE)
    operations = [operation for path in merged["paths"].values() for operation in path.values()]
    ids = {operation["operationId"] for operation in operations}
    public = [path for document in originals.values() for path in document["paths"] if not path.startswith("/internal")]
    assert set(merged["paths"]) == set(public)  # whatever a service publishes has a route
    assert len(ids) == len(operations) > 0
    assert set(merged["components"]["securitySchemes"]) == {"account"}
    assert {text for text in _strings(merged) if text.startswith("#/") and not _resolves(merged, text)} == set()


async def test_over_http_the_part_of_a_service_that_is_away_is_the_last_known_and_marked() -> None:
    now, path = 0.0, "/api/v1/apps/{app_id}"
    async with open_gateway(clock=lambda: now) as gateway:

        async def merged() -> dict[str, Any]:
            document: dict[str, Any] = (await gateway.client.get("/openapi.json")).json()
            return document

        for name in ("auth", "rewards", "isin"):
            gateway.services[name].documents["/openapi.json"] = {}
        assert path not in (await merged())["paths"]
        gateway.catalog.documents["/openapi.json"] = service_document("catalog_service", path)
        assert path not in (await merged())["paths"]
        now = 3.0  # what is not whole is kept for a moment only
        assert path in (await merged())["paths"]
        gateway.catalog.documents.clear()
        now = 34.0
        document = await merged()
        assert path in document["paths"]
        assert document["x-away"] == ["catalog"]
        assert [tag["name"] for tag in document["tags"] if "Away" in tag["description"]] == ["catalog"]
        gateway.catalog.documents["/openapi.json"] = {}
        now = 37.0
        document = await merged()
        assert path not in document["paths"]
        assert "x-away" not in document


@pytest.mark.parametrize("url", ["https://a", "http://a/b", "http://user@a", "a:1", "http://a?b"])
def test_an_upstream_is_a_plain_address(url: str) -> None:
    addresses = {f"{name}_url": "http://127.0.0.1:1" for name in NAMES} | {"isin_url": url}
    with pytest.raises(ValueError, match="must be http://host:port"):
        Settings.model_validate(addresses)


def test_it_can_be_put_together_without_a_running_loop() -> None:
    create_gateway(Settings.model_validate({f"{name}_url": "http://127.0.0.1:1" for name in NAMES}))
