"""Imports at the bound, over HTTP: ``python bench/catalog_import.py URL`` with a superuser's URL of a durable Postgres.

For an F-Droid index and a CSV file of 100 MiB each, into an empty catalogue: how long it takes and how much memory
the process needs at most; the same file again, which must leave every row version as it is; a file that is broken at
its end; one byte too many; and a process that is killed in the middle, after which the next one says that it failed.
"""

import asyncio
import http.client
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from catalog_fill import KINDS, SYLLABLES
from catalog_server import Served, served, token

import catalog_service
from catalog_service.routers.imports import MAX_FILE
from servicekit import migrations

LOCALES = ["en-US", "de", "fr", "es", "pt-BR", "zh-CN", "ru", "tr", "ja", "it", "pl", "uk"]
TABLES = ("app", "app_text", "app_price", "admin_change", "search_word")
PATH = "/api/v1/apps/import"


def index_entries(chance: random.Random) -> Iterator[bytes]:
    """Packages as F-Droid's index has them, each with a good many texts and versions."""
    for number in range(10_000_000):
        word = "".join(chance.choices(SYLLABLES, k=3))
        locales = LOCALES[: chance.randint(1, len(LOCALES))]
        text = " ".join("".join(chance.choices(SYLLABLES, k=3)) for _ in range(120))
        metadata = {
            "name": {locale: f"{word} {chance.choice(KINDS)} {locale}" for locale in locales},
            "summary": dict.fromkeys(locales, text[:70]),
            "description": dict.fromkeys(locales, text),
            "categories": ["System", "Internet"],
        }
        versions = {f"{place:064x}": {"added": 1, "file": {"name": text[:100]}} for place in range(6)}
        entry = json.dumps({"metadata": metadata, "versions": versions}, ensure_ascii=False)
        yield f'{"," if number else ""}"org.{word}.a{number}":{entry}'.encode()


def csv_rows(chance: random.Random) -> Iterator[bytes]:
    """Rows of some 250 bytes."""
    for number in range(10_000_000):
        word = "".join(chance.choices(SYLLABLES, k=3))
        text = " ".join("".join(chance.choices(SYLLABLES, k=3)) for _ in range(20))
        line = f'com.{word}.b{number},"{word}, {chance.choice(KINDS)}",{text[:60]},{text},games,puzzle,en\n'
        yield line.encode()


def write(path: Path, kind: str, size: int) -> int:
    """A file of exactly this size. Returns the number of apps in it."""
    chance = random.Random(20261121)  # noqa: S311 - made-up data
    head, rows, tail = (
        (b'{"repo":{},"packages":{', index_entries(chance), b"}}")
        if kind == "fdroid-index-v2"
        else (b"package_name,name,summary,description,category,subcategory,locale\n", csv_rows(chance), b"")
    )
    with path.open("wb") as file:
        left = size - file.write(head) - len(tail)
        number = 0
        while len(row := next(rows)) <= left:
            left -= file.write(row)
            number += 1
        # White space belongs to neither format's content, and fills the file up to the byte.
        file.write(tail + (b"\n" if kind == "csv" else b" ") * left)
    return number


def ask(catalog: Served, method: str, path: str, body: Any = None, size: int = 0) -> tuple[int, dict[str, Any]]:
    """One request as an administrator."""
    client = http.client.HTTPConnection("127.0.0.1", catalog.port, timeout=600)
    headers = {"Authorization": f"Bearer {token('admin')}"} | ({"Content-Length": str(size)} if body else {})
    try:
        client.request(method, path, body, headers)
        answer = client.getresponse()
        return answer.status, json.load(answer)
    finally:
        client.close()


def send(catalog: Served, file: Path, kind: str) -> dict[str, Any]:
    """Begin an import."""
    with file.open("rb") as body:
        status, job = ask(catalog, "POST", f"{PATH}?format={kind}", body, file.stat().st_size)
    if status != 202:
        raise RuntimeError(f"{status}: {job}")
    return job


def finished(catalog: Served, job: dict[str, Any]) -> dict[str, Any]:
    """The report, when the import has ended."""
    while job["status"] == "running":
        time.sleep(0.2)
        job = ask(catalog, "GET", f"/api/v1/imports/{job['id']}")[1]
    return job


def peak(catalog: Served) -> int:
    """The most memory that the process ever had, in MiB."""
    lines = Path(f"/proc/{catalog.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def versions(url: str) -> list[tuple[int, int | None]]:
    """How many rows there are, and a digest of where each version of them stands and which transaction made it."""

    async def look() -> list[tuple[int, int | None]]:
        connection = await asyncpg.connect(url)
        try:
            query = "SELECT count(*), sum(hashtextextended(ctid::text || xmin::text || xmax::text, 0)) FROM {}"
            return [tuple(await connection.fetchrow(query.format(table))) for table in TABLES]
        finally:
            await connection.close()

    return asyncio.run(look())


def say(text: str) -> None:
    """Show a figure."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def counts(job: dict[str, Any]) -> str:
    """The report in short."""
    names = ("total", "created", "updated", "unchanged", "rejected")
    return f"{job['status']}, " + ", ".join(f"{job[name]} {name}" for name in names)


def trial(url: str, folder: Path, kind: str) -> None:
    """All that the docstring says, for one format."""
    file = folder / kind
    say(f"\n{kind}: {write(file, kind, MAX_FILE)} apps in {file.stat().st_size} bytes")
    with served(url) as catalog:
        ask(catalog, "GET", "/api/v1/apps?limit=1")
        say(f"memory before: {peak(catalog)} MiB")
        broken = folder / "broken"
        broken.write_bytes(file.read_bytes().rstrip()[:-1] + (b',"x' if kind == "csv" else b""))
        before = versions(url)
        job = finished(catalog, send(catalog, broken, kind))
        say(f"broken at the end: {counts(job)}; nothing changed: {versions(url) == before}")
        with file.open("ab") as longer:
            longer.write(b" ")
        with file.open("rb") as body:
            say(f"one byte too many: {ask(catalog, 'POST', f'{PATH}?format={kind}', body, MAX_FILE + 1)[0]}")
        with file.open("rb+") as shorter:
            shorter.truncate(MAX_FILE)
        job = send(catalog, file, kind)
        while ask(catalog, "GET", f"/api/v1/imports/{job['id']}")[1]["total"] < 2_000:
            time.sleep(0.1)
        catalog.process.send_signal(signal.SIGKILL)
        catalog.process.wait()
    with served(url) as catalog:
        started = time.perf_counter()
        job = finished(catalog, job)
        say(
            f"killed in the middle: {job['status']} after {time.perf_counter() - started:.0f} s ({job['detail']});"
            f" nothing changed: {versions(url) == before}"
        )
        for run in ("first", "second"):
            before = versions(url)
            started = time.perf_counter()
            job = send(catalog, file, kind)
            sent = time.perf_counter() - started
            job = finished(catalog, job)
            say(
                f"{run} import: {counts(job)}; sent in {sent:.1f} s, done after {time.perf_counter() - started:.1f} s,"
                f" at most {peak(catalog)} MiB"
                + (f"; every row version as before: {versions(url) == before}" if run == "second" else "")
            )


def main(url: str) -> None:
    """Each format in a database of its own."""

    async def create(name: str) -> str:
        connection = await asyncpg.connect(url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

    with tempfile.TemporaryDirectory() as folder:
        for kind in ("fdroid-index-v2", "csv"):
            database_url = asyncio.run(create("imports_" + kind.replace("-", "_")))
            migrations.upgrade(str(catalog_service.__file__), database_url)
            trial(database_url, Path(folder), kind)


if __name__ == "__main__":
    main(sys.argv[1])
