"""What is not strict JSON is refused with the right code, and never a 500."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.json_body import MAX_DEPTH, MAX_MEMBERS, check_json
from servicekit.problems import MalformedJson, RuleViolation

JSON = {"Content-Type": "application/json"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda children: st.lists(children, max_size=4)
    | st.dictionaries(st.text("ab/~é ", max_size=4), children, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES, st.booleans())
def test_every_good_document_passes(value: object, ascii_only: bool) -> None:
    check_json(json.dumps(value, ensure_ascii=ascii_only).encode())


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"NaN", "", "number"),
        (b'{"a": [Infinity]}', "", "number"),
        (b"-Infinity", "", "number"),
        (b'{"a": [0, 1e999]}', "/a/1", "number"),
        (b"-1e400", "", "number"),
        (b"9223372036854775808", "", "number"),
        (b"-9223372036854775809", "", "number"),
        (b"1" * 100_000, "", "number"),
        (b'{"a": "\\u0000"}', "/a", "nul"),
        (b'{"a": {"b": ["x", "y\\u0000"]}}', "/a/b/1", "nul"),
        (b'{"a": {"\\u0000": 1}}', "/a", "nul"),
        (b'["\\ud800"]', "/0", "surrogate"),
        (b'["\\udc00\\ud800"]', "/0", "surrogate"),
        (b'{"\\udfff": 1}', "", "surrogate"),
        (b'"\\u0000"', "", "nul"),
        (b"1e999", "", "number"),
        (b'{"a/b": {"c~d": "\\ud800"}}', "/a~1b/c~0d", "surrogate"),
        (b"[" * 65 + b"1" + b"]" * 65, "", "depth"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "", "depth"),
        (b"[" * 200_000, "", "depth"),
        (json.dumps({"a": [dict.fromkeys(map(str, range(MAX_MEMBERS + 1)))]}).encode(), "/a/0", "members"),
    ],
)
def test_well_formed_but_impossible_values_are_422(body: bytes, pointer: str, code: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        check_json(body)
    assert [(fault.pointer, fault.code) for fault in caught.value.errors] == [(pointer, code)]


@pytest.mark.parametrize(
    "body",
    [
        b"9223372036854775807",
        b"-9223372036854775808",
        b"1e308",
        b'"\\ud83d\\ude00"',
        '"😀é"'.encode(),
        b'"\\\\u0000"',
        b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH,
        b" \t\r\n{} ",
        json.dumps(dict.fromkeys(map(str, range(MAX_MEMBERS)))).encode(),
    ],
)
def test_what_stands_at_the_border_passes(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[1,]", b"{'a': 1}", b"{a: 1}", b"01", b"+1", b".5", b"1 2", b"nan", b"undefined", b'"a\nb"', b'"\0"',
        b"/* */ 1", b" ", b"\xff\xfe{\x00}\x00", b"\x00{\x00}", '{"a": "é"}'.encode("latin-1"), b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32"),
    ],
)  # fmt: skip
def test_what_is_not_json_in_utf_8_is_400(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        check_json(body)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"name": NaN}', 422, "validation-error"),
        (b'{"name": "a", "ratio": 1e999}', 422, "validation-error"),
        (b'{"name": "\\ud800"}', 422, "validation-error"),
        (b'{"name": "\\u0000"}', 422, "validation-error"),
        (b'{"name": "a", "points": 99999999999999999999}', 422, "validation-error"),
        ('{"name": "a"}'.encode("utf-16"), 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b"[" * 100_000, 422, "validation-error"),
        (b"null", 422, "validation-error"),
        (b"[]", 422, "validation-error"),
        (b"", 422, "validation-error"),
        (b'"text"', 422, "validation-error"),
    ],
)
async def test_over_http_it_is_a_problem(client: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    answer = await client.post("/api/v1/things", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-16", "application/json; charset=latin-1"])
async def test_a_charset_changes_nothing(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/api/v1/things", content='{"name": "é"}'.encode(), headers={"Content-Type": media_type})
    assert answer.json()["name"] == "é"


@pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "application/vnd.things+json", " application/json ;x=y"])
async def test_every_json_media_type_is_strict(client: httpx.AsyncClient, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    assert (await client.post("/api/v1/things", content=b'{"name": "a"}', headers=headers)).status_code == 200
    answer = await client.post("/api/v1/things", content=b'{"name": "a", "ratio": NaN}', headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/xml"},
        {"Content-Type": "application/jsonx"}, {"Content-Type": "json"},
    ],
)  # fmt: skip
async def test_other_media_types_are_415(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/api/v1/things", content=b'{"name": "a"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_a_get_with_the_media_type_and_no_body_is_fine(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/things/a", headers=JSON)).status_code == 200
