"""A million made-up apps: ``python bench/catalog_fill.py URL [ROWS]`` fills a migrated, empty database."""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg

ROWS = 1_000_000
BATCH = 20_000
SYLLABLES = ["ba", "cor", "di", "fen", "gal", "hu", "jo", "kin", "lu", "mar", "no", "pix", "quo", "ras", "su", "ter"]
KINDS = ["reader", "mail", "camera", "notes", "player", "maps", "weather", "chess", "timer", "wallet"]
COLUMNS = (
    "package_name", "name", "summary", "description", "category_id", "subcategory_id", "points", "status", "created_by",
    "changed_by",
)  # fmt: skip
NOBODY = UUID(int=0)


def apps(rows: int, tree: list[tuple[UUID, UUID | None]]) -> Iterator[tuple[Any, ...]]:
    """Rows that are the same each time."""
    chance = random.Random(20261121)  # noqa: S311 - made-up data
    for number in range(rows):
        word = "".join(chance.choices(SYLLABLES, k=3))
        kind = chance.choice(KINDS)
        category, subcategory = chance.choice(tree)
        name = f"{word.title()} {kind} {number}"
        summary = f"A {kind} that {chance.choice(SYLLABLES)}{word}s with {chance.choice(KINDS)}"
        description = f"{summary}. " * 3
        points = chance.randint(1, 1_000_000)
        yield (f"org.{word}.{kind}{number}", name, summary, description, category, subcategory, points, "published",
               NOBODY, NOBODY)  # fmt: skip


async def fill(url: str, rows: int) -> None:
    """Copy the apps in and let Postgres count them."""
    started = time.perf_counter()
    connection = await asyncpg.connect(url)
    pairs = await connection.fetch(
        "SELECT coalesce(parent_id, id), CASE WHEN parent_id IS NOT NULL THEN id END FROM category"
    )
    tree = sorted((tuple(pair) for pair in pairs), key=str)
    source = apps(rows, tree)
    while batch := list(itertools.islice(source, BATCH)):
        await connection.copy_records_to_table("app", records=batch, columns=COLUMNS)
    await connection.execute("VACUUM ANALYZE app")
    await connection.close()
    sys.stdout.write(f"{rows} apps in {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROWS))
