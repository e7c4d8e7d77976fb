"""Defects of the classic kinds, planted into the rewards service: the trials must see each of them."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
from platform_lane import START_SECONDS, Lane

DEFECTS = ("lost-idempotency", "check-then-act")
"""In the order in which one platform may have them: the second leaves a ledger that is broken for ever."""
# The database holds the rule too, in three ways: it would refuse the second credit, and nothing would be lost.
_WITHOUT_THE_RULE = """
DROP TRIGGER task_approved_with_credit ON task; DROP TRIGGER credit_of_approved_task ON transaction;
ALTER TABLE transaction DROP CONSTRAINT ck_transaction_credit_names_task
"""
_VARIABLE = "APPRAISE_PLANTED_DEFECT"


@asynccontextmanager
async def planted(defect: str, lane: Lane) -> AsyncIterator[None]:
    """The platform with this defect, from the next requests on; then without it again."""
    part = lane.parts["rewards"]
    sound = part.launch
    _, _, _, *command = sound.argv  # python -m rewards_service …
    code = "import platform_planted; platform_planted.plant(); from rewards_service.cli import main; main()"
    environment = {**sound.env, _VARIABLE: defect, "PYTHONPATH": str(Path(__file__).parent)}
    part.replace(replace(sound, argv=(sys.executable, "-c", code, *command), env=environment))
    if defect == "check-then-act":
        connection = await asyncpg.connect(lane.superuser_url)
        await connection.execute(_WITHOUT_THE_RULE)
        await connection.close()
    await part.send(signal.SIGKILL)
    await lane.ready_again(START_SECONDS)
    yield
    part.replace(sound)


def plant() -> None:
    """Called in the service before it starts."""
    match os.environ[_VARIABLE]:
        case "check-then-act":
            _plant_check_then_act()
        case "lost-idempotency":
            _plant_lost_idempotency()


def _plant_check_then_act() -> None:
    """Who decides looks first and acts then, and a credit has no name that could be taken."""
    import asyncio  # noqa: PLC0415 - only the service with the defect needs these
    from dataclasses import replace as changed  # noqa: PLC0415
    from typing import Any  # noqa: PLC0415
    from uuid import UUID, uuid4  # noqa: PLC0415

    from rewards_service.models import Task  # noqa: PLC0415
    from rewards_service.repositories.ledger import Event, LedgerRepository  # noqa: PLC0415
    from rewards_service.repositories.tasks import TaskRepository  # noqa: PLC0415
    from rewards_service.services.decisions import TASK_APPROVE  # noqa: PLC0415

    post = LedgerRepository.post

    async def looked_at(self: TaskRepository, task_id: UUID) -> Task | None:
        task = await self._session.get(Task, task_id)
        await asyncio.sleep(0.05)
        return task

    async def posted(self: LedgerRepository, event: Event, amounts: Any) -> UUID | None:
        if event.kind == TASK_APPROVE:
            event = changed(event, reference=f"{event.reference} {uuid4()}")
        return await post(self, event, amounts)

    TaskRepository.locked = looked_at  # type: ignore[method-assign]
    LedgerRepository.post = posted  # type: ignore[method-assign]


def _plant_lost_idempotency() -> None:
    """The effect is kept, and the answer forgotten."""
    from typing import Any  # noqa: PLC0415

    from rewards_service.repositories.idempotency import IdempotencyRepository  # noqa: PLC0415

    async def forgotten(*_: Any) -> None:
        pass

    IdempotencyRepository.keep = forgotten  # type: ignore[method-assign]
