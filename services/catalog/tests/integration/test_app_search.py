"""Search: what is found, and that no input can break it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicekit import testing

pytestmark = pytest.mark.integration

APPS = {
    "org.example.mail.K9": ("K-9 Mail", "Reads and writes letters"),
    "com.Acme_Tools.NightSky": ("Night Sky", "Stars & planets, 24/7: a map of the sky"),
    "org.example.nodejs": ("node.js console", "Runs scripts"),
    "org.example.cafe": ("Café “Zürich”", "Kaffee für alle"),
    "org.example.hindi": ("हिन्दी कीबोर्ड", "日本語アプリ"),
}


@pytest.fixture
async def search(add_app: Any, anyone: Any) -> Any:
    for package, (name, summary) in APPS.items():
        await add_app(package, name=name, summary=summary)

    async def search(q: str) -> set[str]:
        answer = await anyone.get("/api/v1/apps", params={"q": q, "sort": "name"})
        assert answer.status_code == 200, answer.text
        return {item["package_name"].rsplit(".")[-1] for item in answer.json()["items"]}

    return search


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("mail", {"K9"}),
        ("MAIL", {"K9"}),
        ("ma", {"K9", "NightSky"}),
        ("k-9", {"K9"}),
        ("k 9 mail", {"K9"}),
        ("mail k", {"K9"}),
        ("K9", {"K9"}),
        ("letters", {"K9"}),
        ("etters", {"K9"}),  # as a slip of the finger, not as the end of a word
        ("tters", set()),
        ("mail sky", set()),
        ("night sk", {"NightSky"}),
        ("acme tools", {"NightSky"}),
        ("acme_tools.night", {"NightSky"}),
        ("com.Acme_Tools.NightSky", {"NightSky"}),
        ("24/7", {"NightSky"}),
        ("js", {"nodejs"}),
        ("node.js", {"nodejs"}),
        ("caf", {"cafe"}),
        ("Cafe\u0301", {"cafe"}),
        ("café", {"cafe"}),
        ("CAFÉ", {"cafe"}),
        ("ZÜRICH", {"cafe"}),
        ("“zürich”", {"cafe"}),
        ("Ⓐ", set()),
        ("हिन्दी", {"hindi"}),
        ("日本", {"hindi"}),
        ("org.example", {"K9", "nodejs", "cafe", "hindi"}),
        ("", {"K9", "NightSky", "nodejs", "cafe", "hindi"}),
        ("   ", {"K9", "NightSky", "nodejs", "cafe", "hindi"}),
        ("!!!", set()),
        ("mail & !sky", set()),
        ("mail !!!", {"K9"}),
        ("'mail':*", {"K9"}),
    ],
)
async def test_words_and_beginnings_of_words_are_found(search: Any, q: str, found: set[str]) -> None:
    assert await search(q) == found


@pytest.mark.parametrize(
    "q",
    [
        "'", "''", "\\", "\\'", "&", "|", "!", ":*", "<->", "a <-> b", "a:*b", "(((", "')); DROP TABLE app; --", "%",
        "_", "a\\", "\x01\x7f", "\u200b", "\u2019", "\ufffd", "\U0001d518", "\U0001f642", "\u202eevil", "null", "$1",
        "{}", "a" * 200, "' " * 100,
    ],
)  # fmt: skip
async def test_hostile_text_finds_what_it_finds_and_breaks_nothing(anyone: Any, q: str) -> None:
    answer = await anyone.get("/api/v1/apps", params={"q": q})
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("q", ["a" * 201, "a" * 10_000, "a\0b"])
async def test_text_that_is_too_long_or_holds_nul_is_refused(anyone: Any, q: str) -> None:
    assert (await anyone.get("/api/v1/apps", params={"q": q})).status_code == 422


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=st.text(max_size=200) | st.text(alphabet="ab'\"\\&|!:*()<-> %_,", max_size=40))
async def test_no_text_is_ever_a_failure_of_the_server(anyone: Any, q: str) -> None:
    answer = await anyone.get("/api/v1/apps", params={"q": q.encode("utf-8", "replace").decode()})
    assert answer.status_code == (422 if "\0" in q else 200)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60).filter(
        str.strip
    )
)
async def test_an_app_is_found_by_its_own_name(anyone: Any, add_app: Any, database_url: str, name: str) -> None:
    await testing.empty_tables(database_url, keep=["category"])
    app = await add_app(name=name)
    found = (await anyone.get("/api/v1/apps", params={"q": app["name"]})).json()["items"]
    assert found == [app] or not any(map(str.isalnum, name))


@pytest.mark.parametrize(
    ("q", "corrected", "found"),
    [
        ("letetrs", "letters", {"K9"}),
        ("leters", "letters", {"K9"}),
        ("lettters", "letters", {"K9"}),
        ("lektters", "letters", {"K9"}),
        ("LETERS", "letters", {"K9"}),
        ("nihgt sky", "night sky", {"NightSky"}),
        ("zurich", "zürich", {"cafe"}),
        ("lettres mial", "letters mail", {"K9"}),
        ("ltrs", None, set()),
    ],
)
async def test_a_slip_of_the_finger_is_forgiven(search: Any, anyone: Any, q: str, corrected: str, found: Any) -> None:
    page = (await anyone.get("/api/v1/apps", params={"q": q})).json()
    assert {item["package_name"].rsplit(".")[-1] for item in page["items"]} == found
    if found:
        assert page["corrected_q"] == corrected
    else:
        assert "corrected_q" not in page


async def test_what_is_spelt_right_is_never_corrected(search: Any, anyone: Any, admin: Any) -> None:
    page = (await anyone.get("/api/v1/apps", params={"q": "night"})).json()
    assert "corrected_q" not in page
    app = (await admin.get("/api/v1/apps/by-package/org.example.cafe")).json()
    renamed = await admin.patch(f"/api/v1/apps/{app['id']}", json={"name": "Umbrella"}, headers={"If-Match": "*"})
    assert renamed.status_code == 200
    assert (await anyone.get("/api/v1/apps", params={"q": "umbrela"})).json()["corrected_q"] == "umbrella"


async def test_pages_of_a_corrected_search_go_on(add_app: Any, anyone: Any) -> None:
    for number in range(5):
        await add_app(f"org.example.a{number}", points=number + 1)
    seen, query = [], {"q": "raeder", "limit": 2}
    while True:
        page = (await anyone.get("/api/v1/apps", params=query)).json()
        assert page["corrected_q"] == "reader"
        seen += [item["points"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"q": "raeder", "limit": 2, "cursor": page["next_cursor"]}
    assert seen == [5, 4, 3, 2, 1]


async def test_relevance_puts_the_name_before_the_summary(add_app: Any, anyone: Any) -> None:
    in_summary = await add_app("org.example.a", name="Other", summary="a radio", points=9)
    in_name = await add_app("org.example.b", name="Radio", points=1)
    in_package = await add_app("org.example.radio", name="Other", points=5)
    seen, query = [], {"q": "radio", "sort": "relevance", "limit": 1}
    while True:
        page = (await anyone.get("/api/v1/apps", params=query)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query = query | {"cursor": page["next_cursor"]}
    assert seen == [in_name, in_package, in_summary]
    assert (await anyone.get("/api/v1/apps", params={"sort": "relevance"})).status_code == 422


@pytest.mark.parametrize("sort", ["-points", "points", "name", "-created_at", "relevance"])
async def test_both_ways_of_searching_find_the_same_in_the_same_order(
    add_app: Any, anyone: Any, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    for number in range(12):
        place: dict[str, Any] = {"category": "games"} if number % 4 else {"more_categories": ["games"]}
        name = f"{'Reader' if number % 3 else 'Writer'} {number}"
        await add_app(f"org.example.a{number}", name=name, points=number + 1, **place)

    async def listed(limit: int, category: dict[str, str]) -> list[str]:
        seen: list[str] = []
        query: dict[str, Any] = {"q": "read", "sort": sort, "limit": limit} | category
        while True:
            page = (await anyone.get("/api/v1/apps", params=query)).json()
            seen += [item["name"] for item in page["items"]]
            if page["next_cursor"] is None:
                return seen
            query["cursor"] = page["next_cursor"]

    for category in ({}, {"category": "games"}):
        monkeypatch.undo()
        whole = await listed(50, category)
        assert len(whole) == 8
        for stretch in (1, 3, 4, 100):
            monkeypatch.setattr("catalog_service.repositories.app_reads.STRETCH", stretch)
            assert await listed(1, category) == await listed(3, category) == whole


async def test_apps_are_found_by_the_names_of_their_categories(add_app: Any, anyone: Any, admin: Any) -> None:
    puzzle = await add_app("org.example.a", name="Blocks", category="games", subcategory="puzzle", points=3)
    placed = await add_app("org.example.b", name="Letters", more_categories=["kids"], points=2)
    named = await add_app("org.example.c", name="Puzzle 1000", points=1)

    async def found(q: str) -> list[Any]:
        items: list[Any] = (await anyone.get("/api/v1/apps", params={"q": q})).json()["items"]
        return items

    for q, apps in {
        "puzz": [puzzle, named],
        "gam": [puzzle],
        "blocks games": [puzzle],
        "blocks kids": [],
        "kids": [placed],
        "for ki": [placed],
        "productivity": [],
        "1000 puzzle": [named],
    }.items():
        assert await found(q) == apps, q
    categories = (await anyone.get("/api/v1/categories")).json()["items"]
    games = next(category["id"] for category in categories if category["slug"] == "games")
    await admin.patch(f"/api/v1/categories/{games}", json={"name": "Leisure"}, headers={"If-Match": "*"})
    assert await found("leisure") == [puzzle]
    await admin.patch(f"/api/v1/categories/{games}", json={"name": "Games"}, headers={"If-Match": "*"})
    await admin.patch(f"/api/v1/apps/{puzzle['id']}", json={"category": "tools"}, headers={"If-Match": "*"})
    assert await found("games") == []
    assert [app["name"] for app in await found("tool")] == ["Blocks"]


async def test_texts_in_the_languages_of_the_reader_are_searched(add_app: Any, anyone: Any, admin: Any) -> None:
    app = await add_app(name="Reader", summary="Reads aloud", points=9)
    other = await add_app("org.example.other", name="Vorleser", locale="de", points=1)
    path = f"/api/v1/apps/{app['id']}/translations"
    for locale, name, summary in (("de-AT", "Vorlesen", "Liest laut"), ("fr", "Lecteur", "Lit à haute voix")):
        assert (await admin.put(f"{path}/{locale}", json={"name": name, "summary": summary})).status_code == 204

    async def found(q: str, languages: str, **query: Any) -> list[str]:
        answer = await anyone.get("/api/v1/apps", params={"q": q} | query, headers={"Accept-Language": languages})
        return [item["name"] for item in answer.json()["items"]]

    for sort in ("-points", "name", "relevance"):
        assert set(await found("vorles", "de", sort=sort)) == {"Vorlesen", "Vorleser"}
    assert await found("vorles", "fr, en;q=0.5") == [other["name"]]
    assert await found("LAUT vor", "de-CH") == ["Vorlesen"]
    assert await found("lecteur laut", "fr, de") == ["Lecteur"]  # as he who has both reads both
    assert await found("reader", "de") == ["Vorlesen"]
    assert await found("laut", "fr") == []
    await admin.put(f"{path}/fr", json={"name": "Livre"})
    assert await found("lecteur", "fr") == []
    assert await found("livre", "fr") == ["Livre"]
    await admin.delete(f"{path}/fr", headers={"If-Match": "*"})
    assert await found("livre", "fr") == []
    assert await found("laut", "de") == ["Vorlesen"]
    assert "corrected_q" not in (await anyone.get("/api/v1/apps", params={"q": "laut"})).json()
