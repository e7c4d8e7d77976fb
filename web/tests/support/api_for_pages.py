"""A small platform behind the REST API, in memory: what the pages use of it, with the real shapes and failures."""
# ruff: noqa: C901 - one function for each group of routes, and each route is short

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response

from servicekit import handlers, problems

PASSWORD = "correct horse battery staple"
MAIL_TOKEN = "token-of-the-mail"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def failure(status: int, code: str, title: str, **faults: str) -> problems.DomainError:
    """A problem; ``faults`` are code by field."""
    kind = type("Failure", (problems.BY_STATUS[status],), {"code": code, "title": title})
    error: problems.DomainError = kind()
    error.errors = [problems.FieldProblem(pointer=f"/{name}", code=c, detail="no") for name, c in faults.items()]
    return error


class FakeApi:
    """The state, and the ASGI application over it. ``rules`` make a call fail: they are asked before every answer."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.access: dict[str, str] = {}  # token -> address
        self.refresh: dict[str, str] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.proofs: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {}
        self.entries: list[dict[str, Any]] = []
        self.leases: dict[str, dict[str, Any]] = {}
        self.answers: dict[tuple[str, str], JSONResponse] = {}
        self.categories: list[dict[str, Any]] = [{"id": str(uuid4()), "slug": "tools", "name": "Tools", "children": [
            {"id": str(uuid4()), "slug": "keyboards", "name": "Keyboards"}]},
            {"id": str(uuid4()), "slug": "other", "name": "Other", "children": []}]  # fmt: skip
        self.feeds: list[dict[str, Any]] = []
        self.isins: dict[str, dict[str, Any]] = {}
        self.rules: list[Callable[[Request], None]] = []
        self.seen: Counter[str] = Counter()
        self.request_ids: set[str | None] = set()
        self.clients: set[str | None] = set()
        self._number = itertools.count(1)
        self.app = FastAPI()
        handlers.install(self.app)
        self.app.include_router(_routes(self))
        for name, roles in (("ada", ["user"]), ("rea", ["user", "reviewer"]), ("adam", ["user", "admin"])):
            self.add_user(f"{name}@example.org", name.title(), roles)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        return httpx.ASGITransport(self.app, raise_app_exceptions=True)

    def add_user(self, email: str, name: str, roles: list[str]) -> None:
        self.users[email] = {
            "id": str(uuid4()), "email": email, "email_verified": True, "name": name, "roles": roles,
            "created_at": _time(), "mfa_enabled": False,
        }  # fmt: skip

    def add_app(self, name: str, points: int = 250, status: str = "published", **values: Any) -> dict[str, Any]:
        package = values.pop("package_name", f"org.example.app{len(self.apps)}")
        app = {
            "id": str(uuid4()), "package_name": package, "name": name, "summary": "Reads aloud", "description": "",
            "store_url": f"https://play.google.com/store/apps/details?id={package}", "icon_url": None,
            "category": "other", "subcategory": None, "points": points, "status": status, "max_completions": None,
            "created_at": _time(), "updated_at": _time(), **values,
        }  # fmt: skip
        self.apps[app["id"]] = app
        return app

    def add_task(self, email: str, app: dict[str, Any], status: str = "started", **values: Any) -> dict[str, Any]:
        task = {
            "id": str(uuid4()), "user_id": self.users[email]["id"], "app_id": app["id"], "app_name": app["name"],
            "package_name": app["package_name"], "points": app["points"], "status": status, "attempts_left": 3,
            "last_rejection": None, "proof_id": None, "expires_at": _time(days=7), "created_at": _time(),
            "submitted_at": None, "decided_at": None, **values,
        }  # fmt: skip
        self.tasks[task["id"]] = task
        return task

    def add_proof(self, task: dict[str, Any], picture: bytes = PNG, width: int = 1080, height: int = 2400) -> None:
        proof = {
            "id": str(uuid4()), "task_id": task["id"], "attempt": 4 - task["attempts_left"], "width": width,
            "height": height, "created_at": _time(),
        }  # fmt: skip
        self.proofs[proof["id"]] = proof
        self.pictures[proof["id"]] = picture
        task.update(status="submitted", proof_id=proof["id"], attempts_left=task["attempts_left"] - 1)

    def add_entry(self, description: str, points: int, **values: Any) -> None:
        balance = sum(entry["points"] for entry in self.entries) + points
        self.entries.insert(0, {
            "transaction_id": str(uuid4()), "kind": "task.approve", "description": description, "points": points,
            "balance_after": balance, "task_id": None, "created_at": _time(), **values,
        })  # fmt: skip

    def tokens(self, email: str) -> dict[str, Any]:
        number = next(self._number)
        access, refresh = f"access-secret-{number}", f"refresh-secret-{number}"
        self.access[access] = self.refresh[refresh] = email
        return {"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 600}

    def caller(self, request: Request, role: str = "user") -> dict[str, Any]:
        email = self.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if email is None:
            raise problems.InvalidToken
        if role not in self.users[email]["roles"]:
            raise problems.Forbidden
        return self.users[email]

    def once(self, request: Request, effect: Callable[[], JSONResponse]) -> JSONResponse:
        key = request.headers.get("idempotency-key")
        if not key:
            raise failure(400, "idempotency-key-missing", "Idempotency-Key is required")
        place = (request.url.path, key)
        if place not in self.answers:
            self.answers[place] = effect()
        return self.answers[place]

    def check(self, request: Request) -> None:
        self.seen[f"{request.method} {request.url.path}"] += 1
        self.request_ids.add(request.headers.get("x-request-id"))
        self.clients.add(request.headers.get("x-forwarded-for"))
        for rule in self.rules:
            rule(request)

    def fail(self, method: str, path: str, error: Exception) -> None:
        """Let this call fail from now on."""

        def rule(request: Request) -> None:
            if (request.method, request.url.path) == (method, path):
                raise error

        self.rules.append(rule)


def _time(**later: float) -> str:
    return (NOW + timedelta(**later)).isoformat().replace("+00:00", "Z")


def _etag(app: dict[str, Any]) -> str:
    return f'"{hashlib.sha256(json.dumps(app, sort_keys=True).encode()).hexdigest()[:16]}"'


def _page(items: list[Any], request: Request) -> dict[str, Any]:
    start, limit = int(request.query_params.get("cursor", 0)), int(request.query_params.get("limit", 50))
    end = start + limit
    return {"items": items[start:end], "next_cursor": str(end) if len(items) > end else None}


def _routes(api: FakeApi) -> APIRouter:
    async def noted(request: Request) -> None:
        api.check(request)

    router = APIRouter(dependencies=[Depends(noted)])
    for add in (_auth, _catalog, _rewards, _reviews, _isins):
        add(api, router)
    return router


def _auth(api: FakeApi, router: APIRouter) -> None:
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


def _catalog(api: FakeApi, router: APIRouter) -> None:
    @router.get("/api/v1/apps")
    async def apps(request: Request) -> dict[str, Any]:
        query = request.query_params
        status = query.get("status", "published")
        if status != "published":
            api.caller(request, "admin")
        found = [
            app for app in api.apps.values()
            if app["status"] == status and query.get("q", "").lower() in app["name"].lower()
            and query.get("category", "") in {"", app["category"], app["subcategory"]}
        ]  # fmt: skip
        return _page(sorted(found, key=lambda app: -app["points"]), request)

    @router.get("/api/v1/apps/{app_id}")
    async def app(app_id: UUID) -> JSONResponse:
        if str(app_id) not in api.apps:
            raise problems.NotFound
        found = api.apps[str(app_id)]
        return JSONResponse(found, headers={"ETag": _etag(found)})

    @router.post("/api/v1/apps", status_code=201)
    async def create(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        if not isinstance(body.get("points"), int):
            raise failure(422, "validation-error", "The request is not valid", points="int-type")
        package = body.pop("package_name").rpartition("id=")[2].partition("&")[0]
        if "." not in package or "/" in package:
            raise failure(422, "validation-error", "The request is not valid", package_name="value-error")
        if package in {app["package_name"] for app in api.apps.values()}:
            raise failure(409, "package-exists", "The package is in the catalogue already")
        return api.add_app(**body, status="draft", package_name=package)

    @router.patch("/api/v1/apps/{app_id}")
    async def change(request: Request, app_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        found = api.apps[str(app_id)]
        if request.headers.get("if-match") != _etag(found):
            raise problems.PreconditionFailed
        found.update(body)
        return found

    @router.post("/api/v1/apps/{app_id}/{verb}")
    async def move(request: Request, app_id: UUID, verb: str) -> dict[str, Any]:
        api.caller(request, "admin")
        found = api.apps[str(app_id)]
        if found["status"] == "archived":
            raise failure(409, "app-archived", "The app is archived")
        found["status"] = {"publish": "published", "archive": "archived"}[verb]
        return found

    @router.get("/api/v1/categories")
    async def categories() -> dict[str, Any]:
        return {"items": api.categories, "next_cursor": None}


def _rewards(api: FakeApi, router: APIRouter) -> None:
    def own(request: Request, task_id: UUID) -> dict[str, Any]:
        task = api.tasks.get(str(task_id))
        if task is None or task["user_id"] != api.caller(request)["id"]:
            raise failure(404, "task-not-found", "No such task")
        return task

    @router.get("/api/v1/tasks")
    async def tasks(request: Request) -> dict[str, Any]:
        user, status = api.caller(request), request.query_params.get("status")
        return _page(
            [t for t in api.tasks.values() if t["user_id"] == user["id"] and status in {None, t["status"]}], request
        )

    @router.get("/api/v1/tasks/{task_id}")
    async def task(request: Request, task_id: UUID) -> dict[str, Any]:
        return own(request, task_id)

    @router.post("/api/v1/tasks")
    async def start(request: Request, body: dict[str, Any]) -> JSONResponse:
        user = api.caller(request)

        def effect() -> JSONResponse:
            if not user["email_verified"]:
                raise failure(403, "email-not-verified", "The e-mail address is not verified")
            if any((t["user_id"], t["app_id"]) == (user["id"], body["app_id"]) for t in api.tasks.values()):
                raise failure(409, "task-exists", "You have this task already")
            return JSONResponse(api.add_task(user["email"], api.apps[body["app_id"]]), status_code=201)

        return api.once(request, effect)

    @router.post("/api/v1/tasks/{task_id}/cancel")
    async def cancel(request: Request, task_id: UUID) -> dict[str, Any]:
        task = own(request, task_id)
        task["status"] = "cancelled"
        return task

    @router.post("/api/v1/tasks/{task_id}/proofs")
    async def submit(request: Request, task_id: UUID) -> JSONResponse:
        task = own(request, task_id)
        async with request.form() as form:
            content = await form["file"].read()  # type: ignore[union-attr]  # the pages send a file

        def effect() -> JSONResponse:
            if task["status"] not in {"started", "rejected"}:
                raise failure(409, "proof-not-expected", "The task takes no proof now")
            if not content.startswith(b"\x89PNG"):
                raise failure(415, "unsupported-picture", "Not a PNG, JPEG or WebP picture")
            api.add_proof(task, content)
            return JSONResponse(api.proofs[task["proof_id"]], status_code=201)

        return api.once(request, effect)

    @router.get("/api/v1/proofs/{proof_id}/{size}")
    async def picture(request: Request, proof_id: UUID, size: str) -> Response:
        api.caller(request)
        if str(proof_id) not in api.pictures:
            raise failure(404, "proof-not-found", "No such proof")
        etag = f'"{proof_id}-{size}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(api.pictures[str(proof_id)], media_type="image/png", headers={"ETag": etag})

    @router.get("/api/v1/points")
    async def points(request: Request) -> dict[str, int]:
        user = api.caller(request)
        total = sum(entry["points"] for entry in api.entries)
        waiting = [t["points"] for t in api.tasks.values() if (t["user_id"], t["status"]) == (user["id"], "submitted")]
        return {"balance": total, "pending": sum(waiting), "lifetime_earned": total}

    @router.get("/api/v1/points/entries")
    async def entries(request: Request) -> dict[str, Any]:
        api.caller(request)
        return _page(api.entries, request)


def _reviews(api: FakeApi, router: APIRouter) -> None:
    @router.get("/api/v1/reviews")
    async def queue(request: Request) -> dict[str, Any]:
        api.caller(request, "reviewer")
        waiting = [task for task in api.tasks.values() if task["status"] == "submitted"]
        items = [
            {
                "task": task, "proof": api.proofs[task["proof_id"]], "record": {"approved": 3, "rejected": 1},
                "hints": {"same_file": 0, "same_pixels": 1}, "lease": api.leases.get(task["id"]),
            }
            for task in waiting
        ]  # fmt: skip
        return _page(items, request)

    @router.post("/api/v1/reviews/{task_id}/lease")
    async def lease(request: Request, task_id: UUID) -> dict[str, Any]:
        reviewer = api.caller(request, "reviewer")
        api.leases[str(task_id)] = {"reviewer_id": reviewer["id"], "expires_at": _time(minutes=10)}
        return {"task_id": str(task_id), "expires_at": _time(minutes=10)}

    @router.post("/api/v1/reviews/{task_id}/decision")
    async def decide(request: Request, task_id: UUID, body: dict[str, Any]) -> JSONResponse:
        api.caller(request, "reviewer")

        def effect() -> JSONResponse:
            task = api.tasks[str(task_id)]
            if task["status"] != "submitted":
                raise failure(409, "already-decided", "Already decided")
            if body["decision"] == "reject" and body.get("reason_code") == "other" and not body.get("note"):
                raise failure(422, "validation-error", "The request is not valid", note="value-error")
            if body["decision"] == "approve":
                api.add_entry(task["app_name"], task["points"], task_id=task["id"])
                task["status"] = "approved"
            else:
                reason = {"reason_code": body["reason_code"], "note": body.get("note")}
                task.update(status="rejected", last_rejection=reason)
            return JSONResponse({"task": task, "transaction_id": None})

        return api.once(request, effect)


def _isins(api: FakeApi, router: APIRouter) -> None:
    @router.get("/api/v1/isins/{isin}")
    async def one(request: Request, isin: str) -> dict[str, Any]:
        api.caller(request)
        if len(isin) != 12:
            raise failure(422, "not-an-isin", "Not an ISIN")
        if isin not in api.isins:
            raise failure(404, "unknown-isin", "No list has this ISIN")
        return api.isins[isin]

    @router.get("/api/v1/feeds")
    async def feeds(request: Request) -> dict[str, Any]:
        api.caller(request)
        return _page(api.feeds, request)

    api.feeds.append({
        "name": "nse-equity", "title": "NSE India, listed equities", "url": "https://example.org/list.csv",
        "schedule": "daily 02:00 UTC", "business_date": "2026-11-20", "last_success_at": _time(), "rows": 2383,
        "next_run_at": _time(days=1), "freshness": "fresh",
    })  # fmt: skip
    api.isins["INE002A01018"] = {
        "isin": "INE002A01018", "valid": True, "country": "IN", "name": "Reliance Industries Limited",
        "type": "equity", "currency": "INR", "lei": None, "status": "active",
        "feeds": [{"feed": "nse-equity", "status": "listed", "first_seen": "2026-11-02", "last_seen": "2026-11-20",
                   "details": {}}],
    }  # fmt: skip
