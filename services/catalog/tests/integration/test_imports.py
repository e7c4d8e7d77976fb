"""Imports: what a file brings in, what it leaves alone, and that it is all or nothing."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from catalog_service.repositories.imports import ImportJobs
from catalog_service.routers.imports import MAX_FILE

pytestmark = pytest.mark.integration

ANY = {"If-Match": "*"}


def entry(name: Any = None, **metadata: Any) -> dict[str, Any]:
    """A package as F-Droid's index has it, with the parts that nobody here wants."""
    return {"metadata": {"name": name, "added": 1.5e12, "license": "MIT", **metadata}, "versions": {"abc": {"x": [1]}}}


INDEX = {
    "repo": {"name": {"en-US": "Repository"}, "timestamp": 1},
    "packages": {
        "org.example.Full": entry(
            {"en-US": "Full", "de": "Voll", "zh-Hans": "完整", "not a tag!": "x", "pt_BR": "Cheio"},
            summary={"en-US": "All there", "de": "Alles da"},
            description={"en-US": "<p>Long</p>"},
            categories=["Security", "Internet", "Guardian Project"],
            icon={"en-US": {"name": "/icon.png"}},
        ),
        "org.example.plain": entry({"fr": "Simple"}),
        "org.example.nameless": entry(None, summary={"en-US": "x"}),
        "org.example.wrong": {"metadata": [], "versions": {}},
        "org.example.long": entry({"en-US": "x" * 201}),
        "org.example.nul": entry({"en-US": "a\0b"}),
        "single": entry({"en-US": "Single"}),
    },
}


@pytest.fixture
def bring_in(admin: Any, app: FastAPI) -> Any:
    """Sends a file, waits for the end of its import, and gives the report."""

    async def bring_in(content: Any, kind: str = "fdroid-index-v2", **query: Any) -> dict[str, Any]:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kinds = {"fdroid-index-v2": "application/json", "csv": "text/csv"}
        started = await admin.post(
            "/api/v1/apps/import",
            params={"format": kind} | query,
            content=body,
            headers={"Content-Type": kinds[kind]},
        )
        assert started.status_code == 202, started.text
        await app.state.imports.wait()
        report: dict[str, Any] = (await admin.get(started.headers["Location"])).json()
        return report

    return bring_in


def counts(report: dict[str, Any]) -> list[int]:
    return [report[name] for name in ("total", "created", "updated", "unchanged", "rejected")]


async def everything(database_url: str) -> list[Any]:
    connection = await asyncpg.connect(database_url)
    try:
        tables = ("app", "app_text", "app_price", "admin_change")
        query = "SELECT {table}.*, ctid::text, xmin::text, xmax::text FROM {table} ORDER BY 1, 2"
        return [await connection.fetch(query.format(table=table)) for table in tables]
    finally:
        await connection.close()


async def test_an_index_brings_drafts_with_all_their_languages(bring_in: Any, admin: Any) -> None:
    report = await bring_in(INDEX)
    assert report["status"] == "succeeded", report
    assert counts(report) == [7, 2, 0, 0, 5]
    faults = {error["package_name"]: (error["row"], error["detail"]) for error in report["errors"]}
    assert {name: row for name, (row, _) in faults.items()} == {
        "org.example.nameless": 3,
        "org.example.wrong": 4,
        "org.example.long": 5,
        "org.example.nul": 6,
        None: 7,
    }
    assert "name" in faults["org.example.long"][1]
    full = (await admin.get("/api/v1/apps/by-package/org.example.Full")).json()
    expected = {
        "name": "Full", "summary": "All there", "description": "<p>Long</p>", "locale": "en-US", "status": "draft",
        "points": 100, "category": "tools", "subcategory": "security", "more_categories": ["communication"],
    }  # fmt: skip
    assert {name: full[name] for name in expected} == expected
    texts = (await admin.get(f"/api/v1/apps/{full['id']}/translations")).json()["items"]
    assert [(text["locale"], text["name"], text["summary"]) for text in texts] == [
        ("de", "Voll", "Alles da"),
        ("pt-BR", "Cheio", "All there"),
        ("zh-Hans", "完整", "All there"),
    ]
    plain = (await admin.get("/api/v1/apps/by-package/org.example.plain")).json()
    assert (plain["name"], plain["summary"], plain["locale"], plain["category"]) == ("Simple", "", "fr", "other")
    events = (await admin.get(f"/api/v1/apps/{full['id']}/audit-events")).json()["items"]
    assert [event["fields"]["import"] for event in events] == [report["id"]]
    assert len((await admin.get(f"/api/v1/apps/{full['id']}/points-history")).json()["items"]) == 1


async def test_the_second_import_of_a_file_changes_nothing(bring_in: Any, database_url: str) -> None:
    await bring_in(INDEX)
    before = await everything(database_url)
    assert counts(await bring_in(INDEX)) == [7, 0, 0, 2, 5]
    assert await everything(database_url) == before


async def test_an_import_updates_texts_and_never_points_or_status(bring_in: Any, admin: Any) -> None:
    await bring_in(INDEX)
    app = (await admin.get("/api/v1/apps/by-package/org.example.Full")).json()
    path = f"/api/v1/apps/{app['id']}"
    await admin.patch(path, json={"points": 777, "category": "games"}, headers=ANY)
    await admin.post(f"{path}/publish")
    again = json.loads(json.dumps(INDEX))
    again["packages"]["org.example.Full"]["metadata"]["name"] = {"en-US": "Fuller", "fr": "Plein"}
    report = await bring_in(again)
    assert counts(report) == [7, 0, 1, 1, 5]
    changed = (await admin.get(path)).json()
    assert [changed[name] for name in ("name", "points", "status", "category")] == ["Fuller", 777, "published", "games"]
    texts = (await admin.get(f"{path}/translations")).json()["items"]
    assert [text["locale"] for text in texts] == ["de", "fr"]
    event = (await admin.get(f"{path}/audit-events")).json()["items"][0]
    assert event["fields"] == {"import": report["id"], "name": ["Full", "Fuller"]}


async def test_a_dry_run_reports_and_changes_nothing(bring_in: Any, database_url: str) -> None:
    report = await bring_in(INDEX, dry_run=True)
    assert (report["status"], report["dry_run"], counts(report)) == ("succeeded", True, [7, 2, 0, 0, 5])
    assert await everything(database_url) == [[], [], [], []]


MANY = json.dumps({"packages": {f"org.example.a{n}": entry({"en": f"App {n}"}) for n in range(1200)}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        MANY[:-2],
        MANY[: len(MANY) // 2],
        MANY.replace(b"App 1100", b"App \xff"),
        b" ",
        b"{}",
        b"[]",
        b"null",
        b'{"packages": []}',
        b'{"packages": {}}',
        b"PK\x03\x04",
    ],
)
async def test_a_broken_file_changes_nothing(bring_in: Any, database_url: str, content: bytes) -> None:
    report = await bring_in(content)
    assert (report["status"], report["created"]) == ("failed", 0)
    assert report["detail"]
    assert await everything(database_url) == [[], [], [], []]


CSV = """\ufeffpackage_name, name ,summary,category,subcategory,more_categories,locale
org.example.a,"A, first",One,games,puzzle,tools|kids,en
https://play.google.com/store/apps/details?id=org.example.b,Bé,,,,,fr
org.example.c,C,,nothing,,,
org.example.a,Twice,,,,,
org.example.d,D,,,,,,,too,many
,No package,,,,,
"""


async def test_a_csv_is_taken_with_a_report_for_each_bad_row(bring_in: Any, admin: Any) -> None:
    report = await bring_in(CSV.replace("\n", "\r\n").encode(), "csv")
    assert report["status"] == "succeeded", report
    assert counts(report) == [6, 2, 0, 0, 4]
    assert [error["row"] for error in report["errors"]] == [3, 4, 5, 6]
    first = (await admin.get("/api/v1/apps/by-package/org.example.a")).json()
    assert [first[name] for name in ("name", "category", "subcategory")] == ["A, first", "games", "puzzle"]
    assert first["more_categories"] == ["kids", "tools"]
    second = (await admin.get("/api/v1/apps/by-package/org.example.b")).json()
    assert (second["name"], second["locale"], second["category"]) == ("Bé", "fr", "other")


@pytest.mark.parametrize(
    "content", [b"name\nx\n", b"\n", b"package_name,name\n", b'package_name,name\n"a,b\n', b"\xff\xfe"]
)
async def test_a_broken_csv_changes_nothing(bring_in: Any, database_url: str, content: bytes) -> None:
    assert (await bring_in(content, "csv"))["status"] == "failed"
    assert await everything(database_url) == [[], [], [], []]


async def test_two_imports_of_the_same_file_at_once_create_each_app_once(admin: Any, app: FastAPI) -> None:
    query = {"format": "fdroid-index-v2"}
    started = await asyncio.gather(*(admin.post("/api/v1/apps/import", params=query, content=MANY) for _ in range(3)))
    await app.state.imports.wait()
    reports = [(await admin.get(answer.headers["Location"])).json() for answer in started]
    assert sorted(report["created"] for report in reports) == [0, 0, 1200]
    assert sorted(report["unchanged"] for report in reports) == [0, 1200, 1200]


async def test_an_import_whose_process_died_says_so(app: FastAPI, admin: Any, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    job_id = await ImportJobs(connection).start("csv", dry_run=False, by=uuid4())
    assert (await admin.get(f"/api/v1/imports/{job_id}")).json()["status"] == "running"
    await connection.execute("UPDATE import_job SET leased_until = now() - interval '1 second'")
    await connection.close()
    report = (await admin.get(f"/api/v1/imports/{job_id}")).json()
    assert (report["status"], report["finished_at"] is None) == ("failed", False)
    assert "interrupted" in report["detail"]


async def test_an_import_that_is_interrupted_changes_nothing(app: FastAPI, admin: Any, database_url: str) -> None:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the import closes it
    file.write(MANY)
    file.seek(0)
    job_id: UUID = await app.state.imports.start(file, "fdroid-index-v2", dry_run=False, by=uuid4())
    await app.state.imports.close()
    assert (await admin.get(f"/api/v1/imports/{job_id}")).json()["status"] == "failed"
    assert await everything(database_url) == [[], [], [], []]


async def test_what_is_asked_wrongly_is_refused(admin: Any, as_user: Any) -> None:
    path = "/api/v1/apps/import"
    assert (await admin.post(path, content=b"{}")).status_code == 422
    assert (await admin.post(path, params={"format": "xml"}, content=b"{}")).status_code == 422
    assert (await admin.post(path, params={"format": "csv"}, content=b"")).status_code == 422
    assert (await admin.get(f"/api/v1/imports/{uuid4()}")).status_code == 404
    form = await admin.post(path, params={"format": "csv"}, files={"file": ("apps.csv", b"package_name,name\n")})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported-media-type")
    large = {"Content-Length": str(MAX_FILE + 1), "Content-Type": "application/json"}
    assert (await admin.post(path, params={"format": "csv"}, headers=large, content=b"")).status_code == 413
    for client, status in ((as_user(None), 401), (as_user("user", "reviewer"), 403)):
        assert (await client.post(path, params={"format": "csv"}, content=b"")).status_code == status
        assert (await client.get(f"/api/v1/imports/{uuid4()}")).status_code == status


async def test_whoever_waits_asks_for_what_is_new(bring_in: Any, admin: Any) -> None:
    path = f"/api/v1/imports/{(await bring_in(INDEX))['id']}"
    etag = (await admin.get(path)).headers["ETag"]
    assert (await admin.get(path, headers={"If-None-Match": etag})).status_code == 304


async def test_the_command_imports_a_file(
    admin: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("environment", "database_url", "cursor_secret", "blob_url"):
        value = getattr(settings, name)
        monkeypatch.setenv(f"CATALOG_{name.upper()}", getattr(value, "get_secret_value", lambda value=value: value)())
    file = tmp_path / "apps.csv"
    file.write_text("package_name,name\norg.example.a,A\nx,B\n")

    async def run(*arguments: str) -> tuple[int | None, str]:
        command = (sys.executable, "-m", "catalog_service", "import", str(file), *arguments)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    code, output = await run("--dry-run", "--json")
    assert (code, counts(json.loads(output))) == (0, [2, 1, 0, 0, 1])
    code, output = await run()
    assert (code, output.splitlines()[0]) == (0, "succeeded: 2 rows: 1 created, 0 updated, 0 unchanged, 1 rejected")
    assert (await admin.get("/api/v1/apps/by-package/org.example.a")).json()["status"] == "draft"
    assert (await run("--format", "fdroid-index-v2"))[0] == 1
