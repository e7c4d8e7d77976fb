"""Who may call what: every operation of the committed contract, by everybody."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from services.auth.tests.conftest import Person, Sql, register

from servicekit import testing

pytestmark = pytest.mark.integration

DOCUMENT = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
OPERATIONS = sorted(
    (verb.upper(), path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs if verb != "parameters"
)
ANYONE = {
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/verify-email"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/token"),
    ("POST", "/api/v1/auth/mfa"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/password/forgot"),
    ("POST", "/api/v1/auth/password/reset"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/.well-known/openid-configuration"),
}
ADMINS = {
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/users/{user_id}"),
    ("PATCH", "/api/v1/users/{user_id}"),
    ("DELETE", "/api/v1/users/{user_id}/sessions"),
    ("GET", "/api/v1/audit-events"),
}
ACTORS = {"anonymous": None, "user": [], "other": [], "reviewer": ["reviewer"], "admin": ["reviewer", "admin"]}
REFUSED = {"unauthenticated", "invalid-token", "forbidden"}


def expected(operation: tuple[str, str], actor: str) -> tuple[int, str] | None:
    """Status and code of the refusal, or None when the operation is open to the actor."""
    if operation in ANYONE:
        return None
    if actor == "anonymous":
        return 401, "unauthenticated"
    return (403, "forbidden") if operation in ADMINS and actor != "admin" else None


@pytest.fixture
async def people(client: httpx.AsyncClient, sql: Sql) -> dict[str, dict[str, str]]:
    """The headers of everybody."""
    assert (await register(client, "user@example.com")).status_code == 202
    for name, roles in list(ACTORS.items())[2:]:
        await sql(
            "INSERT INTO account (email, name, password_hash, roles) SELECT $1, $2, password_hash, $3 FROM account "
            "WHERE email = 'user@example.com'", f"{name}@example.com", name, ["user", *(roles or [])],
        )  # fmt: skip
    headers = {"anonymous": {}}
    for name in list(ACTORS)[1:]:
        headers[name] = testing.bearer((await Person(client, f"{name}@example.com").login())["access_token"])
    return headers


def test_the_lists_above_speak_of_operations_that_exist() -> None:
    assert set(OPERATIONS) >= ANYONE | ADMINS
    assert len(OPERATIONS) >= 25


@pytest.mark.parametrize(("verb", "path"), OPERATIONS)
async def test_the_contract_is_held(
    client: httpx.AsyncClient, people: dict[str, dict[str, str]], verb: str, path: str
) -> None:
    for actor, headers in people.items():
        # A body without a single field: whoever may not call learns nothing of what it should hold.
        body: dict[str, Any] = {"json": {}} if "requestBody" in DOCUMENT["paths"][path][verb.lower()] else {}
        target = path.format(user_id=uuid4(), session_id=uuid4())
        answer = await client.request(verb, target, headers=headers, **body)
        wanted = expected((verb, path), actor)
        code = answer.json().get("code") if answer.status_code >= 400 else None
        if wanted is None:
            assert code not in REFUSED, f"{actor}: {answer.text}"
            assert answer.status_code < 500
        else:
            assert (answer.status_code, code) == wanted, f"{actor}: {answer.text}"


@pytest.mark.parametrize("actor", list(ACTORS))
async def test_a_session_is_ended_by_its_owner_only(
    client: httpx.AsyncClient, people: dict[str, dict[str, str]], sql: Sql, actor: str
) -> None:
    (row,) = await sql(
        "SELECT s.id FROM login_session s JOIN account a ON a.id = s.account_id WHERE a.email = 'user@example.com'"
    )
    answer = await client.delete(f"/api/v1/users/me/sessions/{row['id']}", headers=people[actor])
    assert answer.status_code == {"anonymous": 401, "user": 204}.get(actor, 404)
