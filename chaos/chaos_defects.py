"""Importing this plants a defect in a worker, the one that ``CHAOS_DEFECT`` names: the fault matrix must see it."""

import asyncio
import os
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, text
from sqlmodel import col

from isin_worker.models import Run
from isin_worker.repositories import runs
from isin_worker.repositories.staging import StagingRepository

_apply = StagingRepository.apply


def _nobody_asks_for_the_owner(run_id: UUID, owner: UUID) -> ColumnElement[bool]:  # noqa: ARG001 - that is the defect
    return col(Run.id) == run_id


async def _removals_first(self: StagingRepository, *arguments: Any) -> None:
    session = self._session
    gone = list(await session.scalars(text("SELECT isin FROM difference WHERE kind = 'removed'")))
    async with session.bind.connect() as other:  # type: ignore[union-attr]  # the engine of the service
        await other.execute(text("UPDATE listing SET last_seen = first_seen WHERE isin = ANY(:gone)"), {"gone": gone})
        await other.commit()
    await asyncio.sleep(1)  # the reader of a lane looks many times meanwhile
    await _apply(self, *arguments)


match os.environ["CHAOS_DEFECT"]:
    case "no_fence":
        runs._own = _nobody_asks_for_the_owner  # noqa: SLF001 - that is the defect
    case "no_takeover":
        runs._ABANDONED = false()  # type: ignore[assignment]  # noqa: SLF001 - that is the defect
    case "removals_first":
        StagingRepository.apply = _removals_first  # type: ignore[method-assign]  # that is the defect
