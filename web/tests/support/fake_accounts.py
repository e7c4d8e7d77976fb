"""Accounts and signing in, in memory."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from typing import Any

from fake_state import MAIL_TOKEN, PASSWORD, State, failure
from fastapi import APIRouter, Request


def add_routes(api: State, router: APIRouter) -> None:
    @router.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.post("/api/v1/auth/register", status_code=202)
    async def register(body: dict[str, Any]) -> dict[str, str]:
        if len(body["password"]) < 12:
            raise failure(422, "weak-password", "The password is not good enough", password="password-too-short")
        if "@" not in body["email"]:
            raise failure(422, "validation-error", "The request is not valid", email="value-error")
        api.add_user(body["email"], body["name"], ["user"])
        api.users[body["email"]]["email_verified"] = False
        return {"status": "accepted"}

    @router.post("/api/v1/auth/verify-email", status_code=204)
    async def verify(body: dict[str, Any]) -> None:
        if body["token"] != MAIL_TOKEN:
            raise failure(410, "link-spent", "The link does not work any more")

    @router.post("/api/v1/auth/password/forgot", status_code=202)
    async def forgot(body: dict[str, Any]) -> dict[str, str]:
        if "@" not in body["email"]:
            raise failure(422, "validation-error", "The request is not valid", email="value-error")
        return {"status": "accepted"}

    @router.post("/api/v1/auth/password/reset", status_code=204)
    async def reset(body: dict[str, Any]) -> None:
        if len(body["password"]) < 12:
            raise failure(422, "weak-password", "The password is not good enough", password="password-too-short")
        if body["token"] != MAIL_TOKEN:
            raise failure(410, "link-spent", "The link does not work any more")

    @router.post("/api/v1/auth/login")
    async def login(body: dict[str, Any]) -> dict[str, Any]:
        if body["email"] not in api.users or body["password"] != PASSWORD:
            raise failure(401, "invalid-credentials", "E-mail or password is wrong")
        return api.tokens(body["email"])

    @router.post("/api/v1/auth/refresh")
    async def refresh(body: dict[str, Any]) -> dict[str, Any]:
        email = api.refresh.pop(body["refresh_token"], None)
        if email is None:
            raise failure(401, "refresh-reused", "The refresh token was used before")
        return api.tokens(email)

    @router.post("/api/v1/auth/logout", status_code=204)
    async def logout(request: Request) -> None:
        api.caller(request)
        api.access.pop(request.headers["authorization"].removeprefix("Bearer "))

    @router.get("/api/v1/users/me")
    async def me(request: Request) -> dict[str, Any]:
        return api.caller(request)
