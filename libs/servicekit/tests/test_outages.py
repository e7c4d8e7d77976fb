"""A database that can't at the moment is a 503 with a time to come back; a fault of ours stays a 500."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from servicekit.app import create_service_app
from servicekit.db import Database, Session
from servicekit.settings import DatabaseSettings
from servicekit.testing import TEST_SECRET, client_of, running

pytestmark = pytest.mark.integration
router = APIRouter(prefix="/api/v1")
STATEMENTS = {
    "slow": "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)",
    "serialise": "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
    "fault": "SELECT * FROM nowhere",
    "fine": "SELECT 1",
}


@router.post("/run/{name}")
async def run_statement(name: str, session: Session) -> None:
    """Run one of the statements."""
    for statement in STATEMENTS[name].split("; SELECT pg_sleep"):
        prefix = "SELECT pg_sleep" if statement.startswith("(") else ""
        await session.execute(text(prefix + statement))


@asynccontextmanager
async def service_on(url: str, name: str = "outages") -> AsyncIterator[httpx.AsyncClient]:
    settings = DatabaseSettings(environment="test", database_url=SecretStr(url), cursor_secret=SecretStr(TEST_SECRET))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = Database(settings, application_name=name)
        yield
        await app.state.database.close()

    app = create_service_app(package="test_service", title="T", description="T", lifespan=lifespan, routers=[router])
    async with running(app), client_of(app) as client:
        yield client


@pytest.mark.parametrize(("name", "status"), [("slow", 503), ("serialise", 503), ("fault", 500), ("fine", 200)])
async def test_what_a_repetition_may_solve_is_a_503(name: str, status: int) -> None:
    async with service_on(os.environ["APPRAISE_TEST_POSTGRES_URL"]) as client:
        answer = await client.post(f"/api/v1/run/{name}")
    assert answer.status_code == status
    if status == 503:
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("store-unavailable", "1")


async def test_connections_that_the_server_closed_are_replaced_unnoticed() -> None:
    url = os.environ["APPRAISE_TEST_POSTGRES_URL"]
    killing = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'closed'"
    async with service_on(url, "closed") as client:
        await asyncio.gather(*(client.post("/api/v1/run/fine") for _ in range(5)))
        connection = await asyncpg.connect(url)
        ended = [row[0] for row in await connection.fetch(killing)]
        await connection.close()
        assert ended
        assert all(ended)
        answers = await asyncio.gather(*(client.post("/api/v1/run/fine") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_database_that_is_not_there_is_a_503() -> None:
    async with service_on("postgresql://nobody:nothing@127.0.0.1:9/none") as client:
        answer = await client.post("/api/v1/run/fine")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
