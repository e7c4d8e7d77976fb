"""Which line or record of a list a repeated row is, where rows go to the database without their numbers."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from isin_worker.pipeline.batches import Key, ListFile
from isin_worker.repositories.staging import StagingRepository


async def number_repeats(staging: StagingRepository, run_id: UUID, files: Sequence[ListFile]) -> None:
    """Give the repeated rows in quarantine their places. The files are read once more for them."""
    if repeats := await staging.unnumbered(run_id):
        places = await asyncio.to_thread(_places_of, {key for _, key in repeats}, files)
        await staging.number(_numbered(repeats, places))


def _places_of(keys: Collection[Key], files: Sequence[ListFile]) -> Mapping[Key, Sequence[int]]:
    places: dict[Key, list[int]] = defaultdict(list)
    for file in files:
        for key, found in file.rows.places_of(keys).items():
            places[key] += found
    return places


def _numbered(
    repeats: Sequence[tuple[int, Key]], places: Mapping[Key, Sequence[int]]
) -> Iterator[Mapping[str, object]]:
    """The first place of a row counts, so its repeats are at those that follow, in their order."""
    following = {key: iter(found[1:]) for key, found in places.items()}
    for row_id, key in repeats:
        place = next(following.get(key, iter(())), None)
        if place is not None:
            yield {"id": row_id, "place": place, "first": places[key][0]}
