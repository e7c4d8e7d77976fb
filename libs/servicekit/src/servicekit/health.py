"""Live is not ready: ``/healthz`` says that the process runs, ``/readyz`` that it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Request, Response

from servicekit.logs import get_logger
from servicekit.schemas import Output

Check = Callable[[], Awaitable[None]]
CHECK_SECONDS = 2.0

log = get_logger(__name__)
router = APIRouter(include_in_schema=False)


class Health(Output):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(Output):
    """What the process needs, each ``ok`` or ``failed``."""

    status: Literal["ok", "failed"]
    checks: dict[str, str]


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives."""
    return Health()


@router.get("/readyz")
async def readyz(request: Request, response: Response) -> Readiness:
    """The process and what it needs can work: 200, else 503."""
    results = await outcomes(request.app.state.checks)
    ready = all(result == "ok" for result in results.values())
    response.status_code = 200 if ready else 503
    return Readiness(status="ok" if ready else "failed", checks=results)


async def outcomes(checks: Mapping[str, Check], seconds: float = CHECK_SECONDS) -> dict[str, str]:
    """What comes of each check within so many seconds: ``ok`` or ``failed``."""
    tries = [asyncio.wait_for(check(), seconds) for check in checks.values()]
    came = dict(zip(checks, await asyncio.gather(*tries, return_exceptions=True), strict=True))
    for name, error in came.items():
        if error is not None:
            log.warning("check.failed", check=name, error=type(error).__name__)
    return {name: "ok" if error is None else "failed" for name, error in came.items()}
