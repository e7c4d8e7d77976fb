"""Texts in further languages: who writes them, and who gets which."""

from typing import Any

import pytest

pytestmark = pytest.mark.integration

ANY = {"If-Match": "*"}
GERMAN = {"name": "Leser", "summary": "Liest vor", "description": "Öffne einen Text."}


@pytest.fixture
async def path(add_app: Any, admin: Any) -> str:
    """An app with its own texts in English, others in German, and a Portuguese name."""
    path = f"/api/v1/apps/{(await add_app(summary='Reads'))['id']}"
    assert (await admin.put(f"{path}/translations/de", json=GERMAN)).status_code == 204
    assert (await admin.put(f"{path}/translations/pt-BR", json={"name": "Leitor"})).status_code == 204
    return path


async def test_readers_get_their_language_or_the_apps_own(path: str, anyone: Any) -> None:
    for header, locale, name in (
        (None, "en", "Reader"),
        ("de-CH, fr;q=0.5", "de", "Leser"),
        ("pt", "pt-BR", "Leitor"),
        ("it", "en", "Reader"),
        ("en-GB, de;q=0.9", "en", "Reader"),
    ):
        headers = {"Accept-Language": header} if header else {}
        single = await anyone.get(path, headers=headers)
        listed = await anyone.get("/api/v1/apps", headers=headers)
        package = await anyone.get("/api/v1/apps/by-package/org.example.Reader", headers=headers)
        assert single.json() == package.json() == listed.json()["items"][0]
        assert (single.json()["locale"], single.json()["name"]) == (locale, name)
        for answer in (single, listed, package):
            assert answer.headers["Content-Language"] == locale
            assert answer.headers["Vary"] == "Authorization, Accept-Language"
            again = await anyone.get(str(answer.url), headers=headers | {"If-None-Match": answer.headers["ETag"]})
            assert again.status_code == 304


async def test_administrators_read_what_they_edit(path: str, admin: Any) -> None:
    read = await admin.get(path, headers={"Accept-Language": "de"})
    assert read.json()["name"] == "Reader"
    changed = await admin.patch(path, json={"name": "R"}, headers={"If-Match": read.headers["ETag"]})
    assert changed.status_code == 200


async def test_a_translation_is_a_change_of_the_app(path: str, admin: Any) -> None:
    etag = (await admin.get(path)).headers["ETag"]
    same = await admin.put(f"{path}/translations/de", json=GERMAN, headers={"If-Match": etag})
    assert same.status_code == 204
    assert (await admin.get(path)).headers["ETag"] == etag
    assert (await admin.put(f"{path}/translations/de", json=GERMAN | {"name": "Leserin"})).status_code == 204
    assert (await admin.put(f"{path}/translations/de", json=GERMAN, headers={"If-Match": etag})).status_code == 412
    events = (await admin.get(f"{path}/audit-events")).json()["items"]
    assert events[0]["fields"] == {"de": [GERMAN, GERMAN | {"name": "Leserin"}]}
    listed = (await admin.get(f"{path}/translations")).json()["items"]
    assert [(item["locale"], item["name"]) for item in listed] == [("de", "Leserin"), ("pt-BR", "Leitor")]


async def test_a_translation_is_taken_away_with_if_match(path: str, admin: Any, anyone: Any) -> None:
    german = f"{path}/translations/de"
    assert (await admin.delete(german)).status_code == 428
    assert (await admin.delete(german, headers={"If-Match": '"stale"'})).status_code == 412
    etag = (await admin.get(path)).headers["ETag"]
    assert (await admin.delete(german, headers={"If-Match": etag})).status_code == 204
    assert (await admin.delete(german, headers=ANY)).status_code == 404
    assert (await anyone.get(path, headers={"Accept-Language": "de"})).json()["name"] == "Reader"


async def test_a_bad_translation_is_refused(path: str, admin: Any) -> None:
    for locale, body in (
        ("en", GERMAN),
        ("DE", GERMAN),
        ("d", GERMAN),
        ("de", {"name": ""}),
        ("de", GERMAN | {"x": 1}),
    ):
        assert (await admin.put(f"{path}/translations/{locale}", json=body)).status_code == 422


async def test_only_administrators_see_and_change_translations(path: str, as_user: Any) -> None:
    for client, status in ((as_user(None), 401), (as_user("user", "reviewer"), 403)):
        assert (await client.get(f"{path}/translations")).status_code == status
        assert (await client.put(f"{path}/translations/fr", json=GERMAN)).status_code == status
        assert (await client.delete(f"{path}/translations/de", headers=ANY)).status_code == status
