"""Pages deep in the list, searches and facets of the catalogue: ``python bench/catalog_reads.py URL [--explain]``.

URL is a database that ``bench/catalog_fill.py`` filled. One connection, one request after the other. ``--explain``
shows what Postgres does for a search by a common, a rare and a two-letter word, in both steps.
"""

import asyncio
import http.client
import random
import statistics
import sys
import time
from uuid import UUID

import asyncpg
from catalog_fill import KINDS, SYLLABLES
from catalog_server import served
from pydantic import SecretStr

from catalog_service.repositories.app_reads import STRETCH, _found_sql, _walk_sql
from catalog_service.schemas import AppQuery
from catalog_service.services.reading import _scope
from servicekit import testing
from servicekit.pagination import Cursors

LIST = "/api/v1/apps?"


def timed(client: http.client.HTTPConnection, paths: list[str], headers: dict[str, str] | None = None) -> list[float]:
    """Milliseconds until each answer was there."""
    times = []
    for path in paths:
        started = time.perf_counter()
        client.request("GET", path, headers=headers or {})
        answer = client.getresponse()
        answer.read()
        times.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {path}")
    return times


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(len(times) * 0.95)]


def say(name: str, times: list[float]) -> None:
    """One line."""
    sys.stdout.write(f"{name:34} p50 {statistics.median(times):7.2f} ms   p95 {p95(times):7.2f} ms\n")
    sys.stdout.flush()


def depth(client: http.client.HTTPConnection) -> None:
    """The page at about 900,000, found by the points that stand there, against the first one."""
    query = AppQuery(sort="points", min_points=1)
    # The points are spread evenly from 1 to 1,000,000.
    cursor = Cursors(SecretStr(testing.TEST_SECRET)).encode(_scope(query), [900_000, UUID(int=0), None])
    first = f"{LIST}sort=points&min_points=1"
    both = timed(client, [first, f"{first}&cursor={cursor}"] * 300)[100:]
    say("first page", both[::2])
    say("page at depth 900,000", both[1::2])
    sys.stdout.write(f"{statistics.median(both[1::2]) / statistics.median(both[::2]):.2f} times (at most 1.3)\n")


def searches() -> dict[str, list[str]]:
    """All kinds of words: common, rare, several, beginnings, misspelt."""
    chance = random.Random(7)  # noqa: S311 - the same words each time
    words = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(60)]
    return {
        "common word": KINDS * 6,
        "rare word": words,
        "two rare words": [f"{word}+{chance.choice(words)}" for word in words],
        "rare and common": [f"{word}+{chance.choice(KINDS)}" for word in words],
        "beginning of two letters": [word[:2] for word in words],
        "misspelt": [word[:3] + word[4:] for word in words],
        "common word in a category": [f"{word}&category=games" for word in KINDS * 6],
        "rare word in a category": [f"{word}&category=games" for word in words],
        "name of a category": ["games", "browsers", "finance", "puzzle", "music", "travel"] * 10,
        "rare word, name of a category": [f"{word}+games" for word in words],
    }


def main(url: str) -> None:
    """All of it, against one server."""
    with served(url) as catalog:
        client = http.client.HTTPConnection("127.0.0.1", catalog.port)
        depth(client)
        every: list[float] = []
        for name, queries in searches().items():
            timed(client, [f"{LIST}q={q}" for q in queries[:10]])
            times = timed(client, [f"{LIST}q={q}" for q in queries], {"Accept-Language": "de-CH,de;q=0.9,en;q=0.8"})
            every += times
            say(f"search, {name}", times)
        say("search, all of these", every)
        for name in ("rare word", "rare and common"):
            say(f"relevance, {name}", timed(client, [f"{LIST}sort=relevance&q={q}" for q in searches()[name]]))
        say("relevance, common word", timed(client, [f"{LIST}sort=relevance&q={q}" for q in KINDS]))
        say("facets, everything", timed(client, [f"{LIST}facets=true"] * 10))
        say("facets, rare word", timed(client, [f"{LIST}facets=true&q={q}" for q in searches()["rare word"]]))
        say("facets, common word", timed(client, [f"{LIST}facets=true&q={q}" for q in KINDS]))


async def explain(url: str) -> None:
    """The plans of the two steps of a search."""
    connection = await asyncpg.connect(url, server_settings={"plan_cache_mode": "force_generic_plan"})
    given = frozenset({"words", "languages", "offered_now", "limit"})
    for words in ("reader", "bacordi", "re"):
        for step, sql in (
            ("walk", _walk_sql("published", "-points", given)),
            ("index", _found_sql("published", "-points", given)),
        ):
            values = {"words": words, "languages": ["de", "en"], "limit": 51, "stretch": STRETCH}
            sys.stdout.write(f"\n{step} for {words!r}\n")
            for (line,) in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) {sql.text}", *sql.arguments(values)):
                sys.stdout.write(f"    {line}\n")
    await connection.close()


if __name__ == "__main__":
    if "--explain" in sys.argv:
        asyncio.run(explain(sys.argv[1]))
    else:
        main(sys.argv[1])
