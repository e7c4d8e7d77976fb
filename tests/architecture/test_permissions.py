"""Closed by default: every route of every service names a permission, or stands on the short public list below."""

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from openapi_files import SERVICES, application

from servicekit.permissions import Require

# The gateway routes none of them to a service.
ALWAYS = {"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /internal/metrics"}
PUBLIC = {
    "auth_service": {
        "POST /api/v1/auth/register",
        "POST /api/v1/auth/verify-email",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/token",
        "POST /api/v1/auth/mfa",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/password/forgot",
        "POST /api/v1/auth/password/reset",
        "GET /.well-known/jwks.json",
        "GET /.well-known/openid-configuration",
        "GET /internal/revocations",  # not routed by the gateway; names ended sessions, and no secret
    },
    "catalog_service": {
        "GET /api/v1/apps",
        "GET /api/v1/apps/changes",
        "GET /api/v1/apps/{app_id}/icon/{sha256}.webp",  # shown by <img>; an icon is no secret
        "GET /api/v1/apps/{app_id}",
        "GET /api/v1/apps/by-package/{package_name}",
        "GET /api/v1/categories",
        "GET /api/v1/categories/{category_id}",
    },
    "rewards_service": set(),
    "isin_worker": set(),
}


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)


def _open_routes(package: str) -> set[str]:
    found = set()
    for route in iter_route_contexts(application(package).routes):
        dependant = getattr(route, "dependant", None)
        if dependant is not None and any(isinstance(call, Require) for call in _calls(dependant)):
            continue
        found |= {f"{method} {route.path_format}" for method in route.methods or () if method != "HEAD"}
    return found


@pytest.mark.parametrize("package", SERVICES)
def test_only_the_listed_routes_are_public(package: str) -> None:
    assert _open_routes(package) - ALWAYS == PUBLIC[package]
