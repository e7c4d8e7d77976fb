"""Closed by default: a route needs a signed-in caller unless it stands here."""

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from servicekit.app import routes_of
from servicekit.permissions import Require

pytestmark = pytest.mark.integration

PUBLIC = {
    "/healthz",
    "/readyz",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/api/v1/auth/register",
    "/api/v1/auth/verify-email",
    "/api/v1/auth/login",
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",  # the refresh token says who asks
    "/internal/revocations",  # for the other services; the gateway has no route to it
}


def needs_a_caller(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Require) or any(needs_a_caller(child) for child in dependant.dependencies)


async def test_every_other_route_needs_a_caller(app: FastAPI) -> None:
    open_paths = {route.path for route in routes_of(app) if not needs_a_caller(route.dependant)}
    assert open_paths == PUBLIC


async def test_operations_have_telling_names(app: FastAPI) -> None:
    operations = {operation["operationId"] for path in app.openapi()["paths"].values() for operation in path.values()}
    assert operations == {
        "auth_register", "auth_verify_email", "auth_login", "auth_token", "auth_refresh", "auth_logout",
        "auth_me", "auth_jwks", "auth_openid_configuration",
    }  # fmt: skip
