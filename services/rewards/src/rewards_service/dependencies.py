"""What the routers ask for: the services, permissions by name, and the Idempotency-Key."""

import re
from typing import Annotated, Any

from fastapi import Depends, Request

from rewards_service.errors import IdempotencyKeyMissing
from rewards_service.services.decisions import DecisionService
from rewards_service.services.events import EventService
from rewards_service.services.leaderboard import LeaderboardService
from rewards_service.services.ledger import LedgerService
from rewards_service.services.points import PointsService
from rewards_service.services.proofs import ProofService
from rewards_service.services.queue import ReviewQueue
from rewards_service.services.reviews import ReviewService
from rewards_service.services.tasks import TaskService
from servicekit.permissions import Require, bearer
from servicekit.problems import FieldProblem, RuleViolation
from servicekit.tokens import Principal

Reviewer = Annotated[Principal, Depends(Require("reviewer"))]
Admin = Annotated[Principal, Depends(Require("admin"))]

_VISIBLE_ASCII = re.compile(r"[!-~]{1,255}")


async def _token(token: Annotated[str | None, Depends(bearer)]) -> str:
    return token or ""  # the permission of the route has refused who has none


async def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if not key:
        raise IdempotencyKeyMissing
    if not _VISIBLE_ASCII.fullmatch(key):
        fault = FieldProblem(
            pointer="/header/Idempotency-Key", code="pattern", detail="1 to 255 visible ASCII characters"
        )
        raise RuleViolation(errors=[fault])
    return key


# For `openapi_extra` of the routes that take a Key. If FastAPI knew of it, a missing one would be its 422, not our 400.
KEYED: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "1 to 255 visible ASCII characters: new for each thing that you want done, the same "
            "when you try it again",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "example": "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c4d",
        }
    ]
}


async def _tasks(request: Request) -> TaskService:
    service: TaskService = request.app.state.tasks
    return service


async def _proofs(request: Request) -> ProofService:
    service: ProofService = request.app.state.proofs
    return service


async def _reviews(request: Request) -> ReviewService:
    service: ReviewService = request.app.state.reviews
    return service


async def _decisions(request: Request) -> DecisionService:
    service: DecisionService = request.app.state.decisions
    return service


async def _ledger(request: Request) -> LedgerService:
    service: LedgerService = request.app.state.ledger
    return service


async def _leaderboard(request: Request) -> LeaderboardService:
    service: LeaderboardService = request.app.state.leaderboard
    return service


async def _events(request: Request) -> EventService:
    service: EventService = request.app.state.events
    return service


async def _queue(request: Request) -> ReviewQueue:
    service: ReviewQueue = request.app.state.queue
    return service


async def _points(request: Request) -> PointsService:
    service: PointsService = request.app.state.points
    return service


UserToken = Annotated[str, Depends(_token)]
Key = Annotated[str, Depends(_idempotency_key)]
Tasks = Annotated[TaskService, Depends(_tasks)]
Proofs = Annotated[ProofService, Depends(_proofs)]
Reviews = Annotated[ReviewService, Depends(_reviews)]
Events = Annotated[EventService, Depends(_events)]
Queue = Annotated[ReviewQueue, Depends(_queue)]
PointsReader = Annotated[PointsService, Depends(_points)]
Decisions = Annotated[DecisionService, Depends(_decisions)]
Ledger = Annotated[LedgerService, Depends(_ledger)]
Leaderboard = Annotated[LeaderboardService, Depends(_leaderboard)]
