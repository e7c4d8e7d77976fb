"""How many slips of the finger are forgiven: ``python bench/catalog_slips.py [INDEX]``.

The catalogue holds the demo apps and, if INDEX is given, the apps of that F-Droid index. Each word of four letters or
more of each app's name is typed in every way that one slip can make of it: a letter missing, added, wrong (a to z), or
swapped with the next. Found is a slip when the app is among the first ten. Then words are typed that are neither the
beginning of any word of the catalogue nor one slip away from one: whatever is found for these is a false hit.
"""

import asyncio
import http.client
import json
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase
from typing import Any
from urllib.parse import quote

import asyncpg
from catalog_import import finished, send
from catalog_server import Served, served, token

import catalog_service
from catalog_service.services.spelling import one_slip
from local_stack.demo_apps import APPS
from local_stack.embedded.for_tests import throwaway_servers
from servicekit import testing

FIRST = 10
STRANGE = 3_000


def slips(word: str) -> Iterator[tuple[str, str]]:
    """Every word that is one slip away, with the kind of slip."""
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        for letter in ascii_lowercase:
            yield "added", head + letter + tail
            if tail and letter != tail[0]:
                yield "wrong", head + letter + tail[1:]
        if tail:
            yield "missing", head + tail[1:]
        if len(tail) > 1 and tail[0] != tail[1]:
            yield "swapped", head + tail[1] + tail[0] + tail[2:]


def filled(catalog: Served, index: Path | None) -> None:
    """Put the apps in and publish them."""
    client = http.client.HTTPConnection("127.0.0.1", catalog.port)
    headers = {"Authorization": f"Bearer {token('admin')}", "Content-Type": "application/json"}

    def call(method: str, path: str, body: object = None) -> dict[str, Any]:
        client.request(method, path, json.dumps(body) if body else None, headers)
        answer = client.getresponse()
        document: dict[str, Any] = json.load(answer)
        if answer.status >= 400:
            raise RuntimeError(document)
        return document

    for app in APPS:
        call("POST", "/api/v1/apps", app._asdict())
    if index is not None:
        finished(catalog, send(catalog, index, "fdroid-index-v2"))
    for app in call("GET", "/api/v1/apps?status=draft&limit=200")["items"]:
        call("POST", f"/api/v1/apps/{app['id']}/publish")


def typed(client: http.client.HTTPConnection, text: str) -> list[str]:
    """The packages that are found first."""
    client.request("GET", f"/api/v1/apps?limit={FIRST}&q={quote(text)}")
    return [item["package_name"] for item in json.load(client.getresponse())["items"]]


def measure(catalog: Served, names: dict[str, str], known: list[str]) -> None:
    """Type all of it."""
    client = http.client.HTTPConnection("127.0.0.1", catalog.port)
    outcomes: Counter[tuple[str, str]] = Counter()
    for package, name in names.items():
        for word in {part.lower() for part in re.findall(r"[^\W\d_]{4,}", name)}:
            for kind, slip in set(slips(word)):
                found = typed(client, slip)
                outcomes[kind, "found" if package in found else "others only" if found else "nothing"] += 1
    for kind in ("missing", "added", "wrong", "swapped", None):
        of = {
            end: sum(n for (k, e), n in outcomes.items() if e == end and kind in (k, None))
            for end in ("found", "others only", "nothing")
        }
        total = sum(of.values())
        shares = ", ".join(f"{end} {count / total:.2%}" for end, count in of.items())
        sys.stdout.write(f"{kind or 'all':8} {total:6} slips: {shares}\n")
    chance = random.Random(5)  # noqa: S311 - the same words each time
    strange: set[str] = set()
    while len(strange) < STRANGE:
        word = "".join(chance.choices(ascii_lowercase, k=chance.randint(4, 8)))
        if not any(one_slip(word, other) or other.startswith(word) for other in known):
            strange.add(word)
    hits = sum(bool(typed(client, word)) for word in sorted(strange))
    sys.stdout.write(f"strange words: {STRANGE}, false hits {hits}\n")


async def contents(url: str) -> tuple[dict[str, str], list[str]]:
    """The name of each package, and the words of the catalogue."""
    connection = await asyncpg.connect(url)
    try:
        names = dict(await connection.fetch("SELECT package_name, name FROM app"))
        return names, [
            row[0] for row in await connection.fetch("SELECT DISTINCT unnest(tsvector_to_array(search)) FROM app")
        ]
    finally:
        await connection.close()


def main(index: Path | None) -> None:
    """On a throwaway Postgres."""
    with throwaway_servers() as servers:
        os.environ["APPRAISE_TEST_POSTGRES_URL"] = servers.postgres_url
        url = asyncio.run(testing.create_database(str(catalog_service.__file__), "slips"))
        with served(url) as catalog:
            filled(catalog, index)
            names, known = asyncio.run(contents(url))
            sys.stdout.write(f"{len(names)} apps\n")
            measure(catalog, names, known)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
