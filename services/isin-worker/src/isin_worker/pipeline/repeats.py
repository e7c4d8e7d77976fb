"""Which line of a list a repeated ISIN stands on, where rows pass through to the database without their numbers."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from isin_worker.pipeline.batches import ListFile
from isin_worker.repositories.staging import StagingRepository


async def number_repeats(staging: StagingRepository, run_id: UUID, files: Sequence[ListFile]) -> None:
    """Give the repeated rows in quarantine their lines. A single file is read once more for them."""
    repeats = await staging.unnumbered(run_id)
    if repeats and len(files) == 1:
        lines = await asyncio.to_thread(files[0].rows.lines_of, {isin for _, isin in repeats})
        await staging.number(_places(repeats, lines))


def _places(repeats: Sequence[tuple[int, str]], lines: Mapping[str, Sequence[int]]) -> Iterator[Mapping[str, object]]:
    """The first line of an ISIN counts, so its repeats are on those that follow, in their order."""
    following = {isin: iter(found[1:]) for isin, found in lines.items()}
    for row_id, isin in repeats:
        line = next(following.get(isin, iter(())), None)
        if line is not None:
            yield {"id": row_id, "line": line, "first": lines[isin][0]}
