"""For the other services only: the gateway has no route to this, and it is not in the OpenAPI document."""

from typing import Annotated

from fastapi import APIRouter, Query

from auth_service.dependencies import SessionsDep
from servicekit.revocations import RevocationPage

router = APIRouter(prefix="/internal", include_in_schema=False)


@router.get("/revocations")
async def revocations(sessions: SessionsDep, since: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0) -> RevocationPage:
    """The sessions that ended before their access tokens did, after the entry with number ``since``."""
    return await sessions.revocations(since)
