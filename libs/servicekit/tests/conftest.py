"""A small service with one route of each kind, in process and without a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Header, Request, Response
from pydantic import EmailStr, Field, SecretStr

from servicekit.app import create_service_app
from servicekit.conditional import conditional_json, require_match
from servicekit.pagination import add_next_link
from servicekit.problems import Conflict, TooManyRequests
from servicekit.schemas import Input, Output, Points
from servicekit.testing import client_of

MAX_BODY = 3 * 1024 * 1024
router = APIRouter(prefix="/api/v1")


class ThingIn(Input):
    """A body with a field of each kind."""

    name: str = Field(max_length=100)
    points: Points = 1
    ratio: float | None = None
    secret: SecretStr | None = None
    email: EmailStr | None = None
    tags: list[Annotated[str, Field(max_length=10)]] = []  # noqa: RUF012 - pydantic copies it


class ThingOut(Output):
    """What came in."""

    name: str
    secret: str | None = None


@router.post("/things")
async def add_thing(body: ThingIn) -> ThingOut:
    """Echo."""
    return ThingOut(name=body.name, secret=body.secret.get_secret_value() if body.secret else None)


@router.get("/things")
async def list_things(request: Request, response: Response, limit: int = 50, cursor: str | None = None) -> list[str]:
    """A list with a next page, until its cursor is used."""
    add_next_link(request, response, "next+page" if cursor is None else None)
    return []


@router.get("/things/{name}")
async def get_thing(request: Request, name: str) -> Response:
    """A single resource."""
    return conditional_json(request, ThingOut(name=name))


@router.get("/things/{name}/parts")
async def list_parts(request: Request, response: Response, name: str) -> list[str]:
    """A list below something that the caller names."""
    add_next_link(request, response, "next")
    return [name]


@router.patch("/things/{name}")
async def change_thing(name: str, body: ThingIn, if_match: Annotated[str | None, Header()] = None) -> ThingOut:
    """A change of what was read."""
    require_match(if_match, ThingOut(name=name))
    return ThingOut(name=body.name)


@router.delete("/things/{name}", status_code=204)
async def delete_thing(name: str) -> None:
    """An answer without content."""


@router.put("/upload")
async def upload(request: Request) -> dict[str, int]:
    """A body that is not JSON."""
    return {"size": len(await request.body())}


@router.get("/conflict")
async def conflict() -> None:
    """An expected failure."""
    raise Conflict("There is one already.", headers={"X-Extra": "yes"})


@router.get("/slow-down")
async def slow_down() -> None:
    """An expected failure with a header of its own."""
    raise TooManyRequests(retry_after=7)


@router.get("/crash")
async def crash(secret: str = "") -> None:
    """An unexpected failure."""
    raise RuntimeError(f"the password is hunter2 {secret}")


@asynccontextmanager
async def _nothing(_app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
def app() -> FastAPI:
    return create_service_app(
        package="things_service",
        title="Things",
        description="Things.",
        lifespan=_nothing,
        routers=[router],
        max_body_size=MAX_BODY,
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client
