"""What a request body's fields become, and how their faults are told."""

from typing import Any

import httpx
import pytest

from servicekit.handlers import MOST_FAULTS


async def test_text_is_normalised_and_trimmed_but_a_secret_is_taken_as_typed(client: httpx.AsyncClient) -> None:
    body = {"name": " e\u0301 ", "secret": " e\u0301 "}
    answer = await client.post("/api/v1/things", json=body)
    assert answer.json() == {"name": "é", "secret": " e\u0301 "}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"name": None}, [("/name", "string-type")]),
        ({"name": 7}, [("/name", "string-type")]),
        ({"name": "canary" * 20}, [("/name", "string-too-long")]),
        ({"points": 0}, [("/points", "greater-than-equal")]),
        ({"points": 1_000_001}, [("/points", "less-than-equal")]),
        ({"points": "5"}, [("/points", "int-type")]),
        ({"points": 5.0}, [("/points", "int-type")]),
        ({"points": True}, [("/points", "int-type")]),
        ({"email": "canary-at-example"}, [("/email", "value-error")]),
        ({"secret": {"canary": 1}}, [("/secret", "string-type")]),
        ({"canary": 1}, [("/canary", "extra-forbidden")]),
        ({"a/b~c": 1}, [("/a~1b~0c", "extra-forbidden")]),
        ({"tags": ["a", "canary-canary"]}, [("/tags/1", "string-too-long")]),
        ({"tags": "canary"}, [("/tags", "list-type")]),
        ({"name": 1, "points": 0}, [("/name", "string-type"), ("/points", "greater-than-equal")]),
    ],
)
async def test_each_fault_has_its_pointer_and_the_value_is_never_repeated(
    client: httpx.AsyncClient, changes: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    answer = await client.post("/api/v1/things", json={"name": "a", **changes})
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == faults
    if "canary" not in changes:
        assert "canary" not in answer.text
    assert all(fault["detail"] for fault in answer.json()["errors"])


async def test_an_answer_is_never_many_times_the_request(client: httpx.AsyncClient) -> None:
    unknown = await client.post("/api/v1/things", json={"name": "a"} | dict.fromkeys(map(str, range(999)), 1))
    wrong = await client.post("/api/v1/things", json={"name": "a", "tags": [1] * 2000})
    for answer in (unknown, wrong):
        assert (answer.status_code, len(answer.json()["errors"])) == (422, MOST_FAULTS)


async def test_a_missing_field_and_a_bad_query_are_named_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/things", json={})
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("/name", "missing")]
    answer = await client.get("/api/v1/things", params={"limit": "canary"})
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("/query/limit", "int-parsing")]
    assert "canary" not in answer.text
