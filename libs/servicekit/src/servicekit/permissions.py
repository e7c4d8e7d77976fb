"""Who may do what. Every route names one of these, or stands on its service's short list of public routes.

A service gives its permissions names in ``dependencies.py``::

    Reviewer = Annotated[Principal, Depends(Require("reviewer"))]
"""

from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.base import SecurityBase

from servicekit.problems import Forbidden, InvalidToken, Unauthenticated
from servicekit.tokens import Principal, TokenVerifier

# One scheme for all services: Swagger UI's Authorize signs in with e-mail and password.
bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", scheme_name="account", auto_error=False)
MAX_TOKEN = 4096


async def _principal(request: Request, token: Annotated[str | None, Depends(bearer)]) -> Principal | None:
    if token is None:
        return None
    if len(token) > MAX_TOKEN:
        raise InvalidToken
    verifier: TokenVerifier = request.app.state.verifier
    principal = await verifier.verify(token)
    structlog.contextvars.bind_contextvars(user_id=str(principal.user_id))
    return principal


# For routes that anyone may read and some see more of.
MaybePrincipal = Annotated[Principal | None, Depends(_principal)]
# For `openapi_extra` of these: FastAPI writes that they need an account; with the empty one beside it, either will do.
ACCOUNT_OPTIONAL: dict[str, Any] = {"security": [{}]}


class Require(SecurityBase):
    """The permission to call a route: signed in, and one of ``roles`` when any are named.

    For FastAPI it is the bearer scheme: one dependency to solve for each request instead of three.
    """

    def __init__(self, *roles: str) -> None:
        self.roles = frozenset(roles)
        self.model = bearer.model
        self.scheme_name = bearer.scheme_name

    async def __call__(self, request: Request) -> Principal:
        """The caller. Raises Unauthenticated or Forbidden."""
        return self.check(await _principal(request, await bearer(request)))

    def check(self, principal: Principal | None) -> Principal:
        """The same for a principal that is known. Raises Unauthenticated or Forbidden."""
        if principal is None:
            raise Unauthenticated
        if self.roles and not self.roles & principal.roles:
            raise Forbidden(f"This needs the role {' or '.join(sorted(self.roles))}.")
        return principal


SignedIn = Annotated[Principal, Depends(Require())]
