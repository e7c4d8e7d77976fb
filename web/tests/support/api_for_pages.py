"""A small platform behind the REST API, in memory: what the pages use of it, one module for each part."""

import fake_accounts
import fake_admin
import fake_catalog
import fake_isins
import fake_reviews
import fake_rewards
import httpx
from fake_state import CODE, MAIL_TOKEN, PASSWORD, PNG, RECOVERY_CODES, State, failure
from fastapi import APIRouter, Depends, FastAPI, Request

from servicekit import handlers

__all__ = ["CODE", "MAIL_TOKEN", "PASSWORD", "PNG", "RECOVERY_CODES", "FakeApi", "failure"]
PARTS = (fake_accounts, fake_admin, fake_catalog, fake_rewards, fake_reviews, fake_isins)


class FakeApi(State):
    """The state, and the ASGI application over it."""

    def __init__(self) -> None:
        super().__init__()
        self.app = FastAPI()
        handlers.install(self.app)

        async def noted(request: Request) -> None:
            self.check(request)

        router = APIRouter(dependencies=[Depends(noted)])
        for part in PARTS:
            part.add_routes(self, router)
        self.app.include_router(router)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        return httpx.ASGITransport(self.app, raise_app_exceptions=True)
