"""Accounts and signing in, in memory."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from typing import Any
from uuid import UUID

from fake_state import CODE, MAIL_TOKEN, PASSWORD, RECOVERY_CODES, TOTP_SECRET, State, failure, page_of
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse


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
    async def login(request: Request, body: dict[str, Any]) -> JSONResponse:
        api.device_tokens.append(request.headers.get("device-token"))
        user = api.users.get(body["email"])
        if user is None or body["password"] != PASSWORD:
            raise failure(401, "invalid-credentials", "E-mail or password is wrong")
        if user["mfa_enabled"]:
            return JSONResponse({"mfa_required": True, "mfa_token": f"mfa-secret:{body['email']}"})
        return JSONResponse(api.tokens(body["email"]), headers={"Device-Token": "device-token-of-ours"})

    @router.post("/api/v1/auth/mfa")
    async def mfa(body: dict[str, Any]) -> JSONResponse:
        if not body["mfa_token"].startswith("mfa-secret:"):
            raise failure(401, "invalid-mfa-token", "Sign in again")
        if body["code"] not in {CODE, *RECOVERY_CODES}:
            raise failure(401, "wrong-code", "The code is wrong")
        return JSONResponse(
            api.tokens(body["mfa_token"].partition(":")[2]), headers={"Device-Token": "device-token-of-ours"}
        )

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

    @router.patch("/api/v1/users/me")
    async def rename(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        user = api.caller(request)
        if not body["name"]:
            raise failure(422, "validation-error", "The request is not valid", name="string-too-short")
        user["name"] = body["name"]
        return user

    @router.delete("/api/v1/users/me", status_code=202)
    async def delete(request: Request) -> dict[str, str]:
        user = api.caller(request)
        if "admin" in user["roles"]:
            raise failure(409, "last-admin", "The last administrator stays")
        del api.users[user["email"]]
        return {"status": "accepted"}

    def expect_password(password: str) -> None:
        if password != PASSWORD:
            raise failure(401, "wrong-password", "The password is wrong")

    @router.put("/api/v1/users/me/password", status_code=204)
    async def change_password(request: Request, body: dict[str, Any]) -> None:
        api.caller(request)
        expect_password(body["current_password"])
        if len(body["new_password"]) < 12:
            raise failure(422, "weak-password", "Not good enough", new_password="password-too-short")

    @router.get("/api/v1/users/me/sessions")
    async def sessions(request: Request) -> dict[str, Any]:
        api.caller(request)
        return page_of(api.places, request)

    @router.delete("/api/v1/users/me/sessions", status_code=204)
    async def end_others(request: Request) -> None:
        api.caller(request)
        api.places[:] = [place for place in api.places if place["current"]]

    @router.delete("/api/v1/users/me/sessions/{session_id}", status_code=204)
    async def end_one(request: Request, session_id: UUID) -> None:
        api.caller(request)
        if str(session_id) not in {place["id"] for place in api.places}:
            raise failure(404, "not-found", "No such session")
        api.places[:] = [place for place in api.places if place["id"] != str(session_id)]

    @router.post("/api/v1/users/me/totp", status_code=201)
    async def propose(request: Request, body: dict[str, Any]) -> dict[str, str]:
        user = api.caller(request)
        expect_password(body["password"])
        if user["mfa_enabled"]:
            raise failure(409, "totp-enabled", "There is one already")
        uri = f"otpauth://totp/Appraise%3A{user['email']}?secret={TOTP_SECRET}&issuer=Appraise"
        return {"secret": api.totp_secret, "otpauth_uri": uri}

    @router.post("/api/v1/users/me/totp/confirm")
    async def confirm(request: Request, body: dict[str, Any]) -> dict[str, list[str]]:
        user = api.caller(request)
        if body["code"] != CODE:
            raise failure(401, "wrong-code", "The code is wrong")
        user["mfa_enabled"] = True
        return {"recovery_codes": list(api.recovery_codes)}

    @router.delete("/api/v1/users/me/totp", status_code=204)
    async def remove(request: Request, body: dict[str, Any]) -> None:
        user = api.caller(request)
        expect_password(body["password"])
        if not user["mfa_enabled"]:
            raise failure(409, "totp-not-enabled", "There is none")
        user["mfa_enabled"] = False
