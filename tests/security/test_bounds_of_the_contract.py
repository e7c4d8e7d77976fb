"""What comes in has a bound, by the contract itself: no list without a last page, no text or list without a length."""

from collections.abc import Iterator
from typing import Any

import pytest
from operations import DOCUMENT, operations

LARGEST_PAGE = 200
# Nobody reads these: what names nothing is refused whatever its length, and no header or address is longer than 16 KiB.
FORMS = {"uuid", "date", "date-time", "binary"}


def followed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names."""
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def unbounded(schema: dict[str, Any], where: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every place below where a text, a number or a list may be as large as one likes."""
    name = schema.get("$ref", "")
    if name and name in seen:
        return
    schema = followed(schema)
    for choice in [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]:
        yield from unbounded(choice, where, seen | {name})
    fixed = "enum" in schema or "const" in schema or schema.get("format") in FORMS
    match schema.get("type"):
        case "string" if not fixed and "maxLength" not in schema:
            yield where
        case "array":
            if "maxItems" not in schema:
                yield f"{where}[]"
            yield from unbounded(schema.get("items", {}), f"{where}[]", seen | {name})
        case "integer" if not fixed and "maximum" not in schema:
            yield where
        case "object":
            for key, value in schema.get("properties", {}).items():
                yield from unbounded(value, f"{where}.{key}", seen | {name})


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for operation in operations():
        for form, content in operation.described.get("requestBody", {}).get("content", {}).items():
            if form == "application/json":
                yield operation.name, content["schema"]


def test_every_part_of_every_body_has_a_bound() -> None:
    found = [place for name, schema in bodies() for place in unbounded(schema, name)]
    assert found == ["POST /api/v1/isins/validate.isins[]"]  # what is too long has its verdict too; the body is bounded


def test_every_list_has_a_largest_page() -> None:
    found = [
        (operation.name, followed(parameter["schema"]).get("maximum", float("inf")))
        for operation in operations()
        for parameter in operation.described.get("parameters", [])
        if parameter["name"] == "limit"
    ]
    assert len(found) > 10
    assert [name for name, largest in found if largest > LARGEST_PAGE] == []


def test_nobody_can_name_an_address_for_us_to_fetch() -> None:
    """Forged requests of the server begin with one."""
    named = [
        f"{name} {key}"
        for name, schema in bodies()
        for key, value in followed(schema).get("properties", {}).items()
        if followed(value).get("format") in {"uri", "url"} or key.endswith(("_url", "_uri")) or key in {"url", "uri"}
    ]
    assert named == ["POST /api/v1/apps store_url"]  # the package name is taken out of it, and nothing is asked for


@pytest.mark.parametrize(
    "planted",
    [
        {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "boolean"}},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"type": "array", "maxItems": 3, "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    ],
)  # fmt: skip
def test_what_has_no_bound_is_seen(planted: dict[str, Any]) -> None:
    assert list(unbounded(planted, "body")) != []
