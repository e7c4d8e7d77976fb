"""Every operation of the published contract, and who may call it: written down here a second time, on purpose."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

DOCUMENT = json.loads((Path(__file__).parents[2] / "gateway" / "openapi.json").read_text())

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /.well-known/openid-configuration",
    "GET /api/v1/apps",
    "GET /api/v1/apps/by-package/{package_name}",
    "GET /api/v1/apps/changes",
    "GET /api/v1/apps/{app_id}",
    "GET /api/v1/apps/{app_id}/icon/{sha256}.webp",
    "GET /api/v1/categories",
    "GET /api/v1/categories/{category_id}",
    "GET /healthz",
    "GET /problems/{code}",
    "GET /readyz",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/mfa",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/verify-email",
}
REVIEWERS = {
    "DELETE /api/v1/reviews/{task_id}/lease",
    "GET /api/v1/reviews",
    "GET /api/v1/reviews/statistics",
    "POST /api/v1/reviews/decisions",
    "POST /api/v1/reviews/{task_id}/decision",
    "POST /api/v1/reviews/{task_id}/lease",
}
ADMINISTRATORS = {
    "DELETE /api/v1/apps/{app_id}",
    "DELETE /api/v1/apps/{app_id}/icon",
    "DELETE /api/v1/apps/{app_id}/translations/{locale}",
    "DELETE /api/v1/categories/{category_id}",
    "DELETE /api/v1/users/{user_id}/sessions",
    "GET /api/v1/apps/audit-events",
    "GET /api/v1/apps/{app_id}/audit-events",
    "GET /api/v1/apps/{app_id}/points-history",
    "GET /api/v1/audit-events",
    "GET /api/v1/categories/{category_id}/audit-events",
    "GET /api/v1/feeds/{name}/runs/{run_id}/quarantine",
    "GET /api/v1/imports/{import_id}",
    "GET /api/v1/points/transactions",
    "GET /api/v1/points/transactions/{transaction_id}",
    "GET /api/v1/points/verify",
    "GET /api/v1/users",
    "GET /api/v1/users/{user_id}",
    "PATCH /api/v1/apps/{app_id}",
    "PATCH /api/v1/categories/{category_id}",
    "PATCH /api/v1/users/{user_id}",
    "POST /api/v1/apps",
    "POST /api/v1/apps/import",
    "POST /api/v1/apps/{app_id}/archive",
    "POST /api/v1/apps/{app_id}/publish",
    "POST /api/v1/categories",
    "POST /api/v1/feeds/{name}/runs",
    "POST /api/v1/feeds/{name}/runs/{run_id}/drop",
    "POST /api/v1/feeds/{name}/runs/{run_id}/release",
    "POST /api/v1/points/adjustments",
    "POST /api/v1/points/transactions/{transaction_id}/reverse",
    "PUT /api/v1/apps/{app_id}/icon",
    "PUT /api/v1/apps/{app_id}/translations/{locale}",
}
_VALUES = {"package_name": "org.example.none", "sha256": "0" * 64, "locale": "de", "name": "nse-equity", "code": "x"}


class Operation(NamedTuple):
    """One method of one address."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.described.get("requestBody", {}).get("content", {})

    def parameters(self, place: str) -> list[str]:
        """The names of those in the ``path``, in the ``query``."""
        return [found["name"] for found in self.described.get("parameters", []) if found["in"] == place]

    def address(self, **values: str) -> str:
        """A path with these values, and with values of the right form that name nothing for the others."""
        nothing = {"isin": "XS0000000009", **_VALUES}
        names = self.parameters("path")
        return self.path.format(**{name: values.get(name, nothing.get(name, str(UUID(int=0)))) for name in names})


def operations() -> Iterator[Operation]:
    """All of them, in the order of the document."""
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)
