"""Live is not ready: the gateway lives by itself, and is ready when every service behind it is."""

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

from fastapi import APIRouter, Request, Response

from gateway.upstream import Upstream
from servicekit.health import Health
from servicekit.problems import DomainError
from servicekit.schemas import Output

CHECK_SECONDS: Final = 2.0

router = APIRouter()


class Readiness(Output):
    """Every upstream by name."""

    status: Literal["ok", "failed"]
    upstreams: dict[str, Literal["ok", "failed"]]


@router.get("/healthz")
async def healthz() -> Health:
    """The gateway lives."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "A service is not ready"}})
async def readyz(request: Request, response: Response) -> Readiness:
    """The gateway and every service behind it can work: 200, else 503."""
    upstreams: Mapping[str, Upstream] = request.app.state.upstreams
    draining = request.app.state.door.draining  # whoever spreads the load looks for another gateway
    found = await asyncio.gather(*(_ready(upstream) for upstream in upstreams.values()))
    ready = all(found) and not draining
    response.status_code = 200 if ready else 503
    states: list[Literal["ok", "failed"]] = ["ok" if one else "failed" for one in found]
    return Readiness(status="ok" if ready else "failed", upstreams=dict(zip(upstreams, states, strict=True)))


async def _ready(upstream: Upstream) -> bool:
    try:
        status, _ = await upstream.fetch("/readyz", CHECK_SECONDS)
        if status == 404:  # it has nothing that could be unready
            status, _ = await upstream.fetch("/healthz", CHECK_SECONDS)
    except DomainError:
        return False
    return status == 200
