"""ETags: 304 for a copy that is still good, 412 and 428 for changes of what was not seen (RFC 9110, section 13)."""

import httpx
import pytest

THING = "/api/v1/things/a"


async def tag_of(client: httpx.AsyncClient, path: str = THING) -> str:
    tag: str = (await client.get(path)).headers["etag"]
    return tag


async def test_equal_content_has_an_equal_strong_tag(client: httpx.AsyncClient) -> None:
    tag = await tag_of(client)
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert await tag_of(client) == tag
    assert await tag_of(client, "/api/v1/things/b") != tag


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} , "third"', "*", " {} "])
async def test_a_good_copy_is_304(client: httpx.AsyncClient, form: str) -> None:
    tag = await tag_of(client)
    answer = await client.get(THING, headers={"If-None-Match": form.format(tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("form", ["", '"other"', "W/", '""', "unquoted"])
async def test_any_other_copy_is_answered_whole(client: httpx.AsyncClient, form: str) -> None:
    answer = await client.get(THING, headers={"If-None-Match": form})
    assert (answer.status_code, answer.json()["name"]) == (200, "a")


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "precondition-required"),
        ('"stale"', 412, "precondition-failed"),
        ("", 412, "precondition-failed"),
        ("W/{}", 412, "precondition-failed"),
        ('"stale", W/{}', 412, "precondition-failed"),
        ("{}", 200, None),
        ('"stale", {}', 200, None),
        ("*", 200, None),
    ],
)
async def test_a_change_needs_the_present_tag(
    client: httpx.AsyncClient, if_match: str | None, status: int, code: str | None
) -> None:
    headers = {} if if_match is None else {"If-Match": if_match.format(await tag_of(client))}
    answer = await client.patch(THING, json={"name": "b"}, headers=headers)
    assert answer.status_code == status
    assert answer.json().get("code") == code
