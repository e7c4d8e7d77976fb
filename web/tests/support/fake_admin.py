"""What only administrators ask for, in memory: people, the ledger, imports, categories and the logs."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from typing import Any
from uuid import UUID, uuid4

from fake_state import State, etag_of, failure, page_of, time_of
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from servicekit import problems


def transaction(user_id: str, points: int, kind: str = "adjustment", **values: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "kind": kind, "description": "A gift", "task_id": None, "reverses_id": None,
        "reversed_by_id": None, "created_by": user_id, "created_at": time_of(),
        "entries": [{"user_id": None, "account": "points.issued", "points": -points, "balance_after": None},
                    {"user_id": user_id, "account": None, "points": points, "balance_after": points}], **values,
    }  # fmt: skip


def add_routes(api: State, router: APIRouter) -> None:
    def user_by(user_id: UUID) -> dict[str, Any]:
        found = next((user for user in api.users.values() if user["id"] == str(user_id)), None)
        if found is None:
            raise problems.NotFound
        return found

    def matched(request: Request, thing: dict[str, Any]) -> None:
        if request.headers.get("if-match") != etag_of(thing):
            raise problems.PreconditionFailed

    def category_by(category_id: UUID) -> dict[str, Any]:
        return next(one for one in api.categories if one["id"] == str(category_id))

    @router.get("/api/v1/users")
    async def users(request: Request) -> dict[str, Any]:
        api.caller(request, "admin")
        words = request.query_params.get("q", "").lower()
        return page_of(
            [user for user in api.users.values() if words in f"{user['name']} {user['email']}".lower()], request
        )

    @router.get("/api/v1/users/{user_id}")
    async def user(request: Request, user_id: UUID) -> JSONResponse:
        api.caller(request, "admin")
        return JSONResponse(user_by(user_id), headers={"ETag": etag_of(user_by(user_id))})

    @router.patch("/api/v1/users/{user_id}")
    async def change_user(request: Request, user_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        matched(request, user_by(user_id))
        user_by(user_id).update(body)
        return user_by(user_id)

    @router.delete("/api/v1/users/{user_id}/sessions", status_code=204)
    async def end_sessions(request: Request, user_id: UUID) -> None:
        api.caller(request, "admin")
        email = user_by(user_id)["email"]
        api.access = {token: owner for token, owner in api.access.items() if owner != email}

    @router.get("/api/v1/audit-events")
    async def events(request: Request) -> dict[str, Any]:
        api.caller(request, "admin")
        kind = request.query_params.get("kind")
        return page_of([event for event in api.events if kind in {None, event["kind"]}], request)

    @router.get("/api/v1/points/transactions")
    async def transactions(request: Request) -> dict[str, Any]:
        api.caller(request, "admin")
        return page_of(api.transactions, request)

    @router.post("/api/v1/points/adjustments", status_code=201)
    async def adjust(request: Request, body: dict[str, Any]) -> JSONResponse:
        api.caller(request, "admin")

        def effect() -> JSONResponse:
            if not isinstance(body["points"], int):
                raise failure(422, "validation-error", "The request is not valid", points="int-type")
            api.transactions.insert(0, transaction(body["user_id"], body["points"], description=body["reason"]))
            return JSONResponse(api.transactions[0], status_code=201)

        return api.once(request, effect)

    @router.get("/api/v1/points/transactions/{transaction_id}")
    async def one(request: Request, transaction_id: str) -> dict[str, Any]:
        api.caller(request, "admin")
        return next(found for found in api.transactions if found["id"] == transaction_id)

    @router.post("/api/v1/points/transactions/{transaction_id}/reverse", status_code=201)
    async def reverse(request: Request, transaction_id: str, body: dict[str, Any]) -> JSONResponse:
        admin = api.caller(request, "admin")

        def effect() -> JSONResponse:
            found = next(found for found in api.transactions if found["id"] == transaction_id)
            if found["reversed_by_id"]:
                raise failure(409, "already-reversed", "Reversed already")
            undone = transaction(admin["id"], -1, "reversal", reverses_id=found["id"], description=body["reason"])
            found["reversed_by_id"] = undone["id"]
            api.transactions.insert(0, undone)
            return JSONResponse(undone, status_code=201)

        return api.once(request, effect)

    @router.get("/api/v1/points/verify")
    async def verify(request: Request) -> dict[str, Any]:
        api.caller(request, "admin")
        zero = ("sum", "mismatched_balances", "mismatched_reversals", "unbalanced_transactions",
                "approved_without_credit", "credits_without_approval")  # fmt: skip
        chain = {"sealed": 1200, "unsealed": 3, "head": "ab12", "broken": None}
        return {"ok": True, "transactions": 1203, "entries": 2406, **dict.fromkeys(zero, 0), "chain": chain}

    @router.get("/api/v1/apps/audit-events")
    @router.get("/api/v1/apps/{app_id}/audit-events")
    async def changes(request: Request, app_id: str = "") -> dict[str, Any]:
        admin = api.caller(request, "admin")
        return page_of(
            [{"subject_id": app["id"], "action": "change", "fields": {"name": [app["name"], "Other"]},
              "changed_by": admin["id"], "changed_at": time_of()} for app in api.apps.values()], request,
        )  # fmt: skip

    @router.get("/api/v1/apps/{app_id}/points-history")
    async def prices(request: Request, app_id: str) -> dict[str, Any]:
        admin = api.caller(request, "admin")
        price = {"points": 250, "previous_points": 1200, "changed_by": admin["id"], "changed_at": time_of()}
        return page_of([price], request)

    @router.get("/api/v1/apps/{app_id}/translations")
    async def translations(request: Request, app_id: str) -> dict[str, Any]:
        api.caller(request, "admin")
        return page_of(
            [{"locale": locale, **texts} for (app, locale), texts in api.texts.items() if app == app_id], request
        )

    @router.put("/api/v1/apps/{app_id}/translations/{locale}", status_code=204)
    async def translate(request: Request, app_id: str, locale: str, body: dict[str, Any]) -> None:
        api.caller(request, "admin")
        api.texts[app_id, locale] = body

    @router.put("/api/v1/apps/{app_id}/icon")
    async def icon(request: Request, app_id: str) -> dict[str, Any]:
        api.caller(request, "admin")
        if not (await request.body()).startswith(b"\x89PNG"):
            raise failure(415, "unsupported-picture", "Not a picture")
        api.apps[app_id]["icon_url"] = f"/api/v1/apps/{app_id}/icon/abc.webp"
        return api.apps[app_id]

    @router.get("/api/v1/categories/{category_id}")
    async def category(category_id: UUID) -> JSONResponse:
        found = category_by(category_id)
        node = {"id": found["id"], "slug": found["slug"], "name": found["name"], "parent": None, "position": 0}
        return JSONResponse(node, headers={"ETag": etag_of(found)})

    @router.post("/api/v1/categories", status_code=201)
    async def add_category(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        if any(one["slug"] == body["slug"] for one in api.categories):
            raise failure(409, "category-exists", "The slug is taken")
        made = {"id": str(uuid4()), "slug": body["slug"], "name": body["name"], "children": []}
        api.categories.append(made)
        return made

    @router.patch("/api/v1/categories/{category_id}")
    async def change_category(request: Request, category_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        matched(request, category_by(category_id))
        category_by(category_id)["name"] = body["name"]
        return category_by(category_id)

    @router.delete("/api/v1/categories/{category_id}")
    async def remove_category(request: Request, category_id: UUID) -> Response:
        api.caller(request, "admin")
        matched(request, category_by(category_id))
        api.categories.remove(category_by(category_id))
        return Response(status_code=204)

    @router.post("/api/v1/apps/import", status_code=202)
    async def start_import(request: Request) -> dict[str, Any]:
        api.caller(request, "admin")
        rows = (await request.body()).decode().splitlines()[1:]
        faults = [{"row": n, "package_name": row, "detail": "not a package name"} for n, row in enumerate(rows, 1)
                  if "." not in row]  # fmt: skip
        made = {
            "id": str(uuid4()), "format": request.query_params["format"], "status": "succeeded", "detail": None,
            "dry_run": request.query_params["dry_run"] == "true",
            "total": len(rows),
            "created": len(rows) - len(faults), "updated": 0, "unchanged": 0,
            "rejected": len(faults), "errors": faults, "created_at": time_of(),
            "finished_at": time_of(seconds=1),
        }  # fmt: skip
        api.imports[str(made["id"])] = made
        return made

    @router.get("/api/v1/imports/{import_id}")
    async def get_import(request: Request, import_id: str) -> dict[str, Any]:
        api.caller(request, "admin")
        return api.imports[import_id]
