"""What the small platform in memory knows, with the real shapes and failures."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from fastapi import Request
from starlette.responses import JSONResponse

from servicekit import problems

PASSWORD = "correct horse battery staple"
CODE = "123456"
RECOVERY_CODES = ("aaaa-bbbb", "cccc-dddd")
TOTP_SECRET = "JBSWY3DPEHPK3PXP"
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


def time_of(**later: float) -> str:
    return (NOW + timedelta(**later)).isoformat().replace("+00:00", "Z")


def etag_of(app: dict[str, Any]) -> str:
    return f'"{hashlib.sha256(json.dumps(app, sort_keys=True).encode()).hexdigest()[:16]}"'


def page_of(items: list[Any], request: Request) -> dict[str, Any]:
    start, limit = int(request.query_params.get("cursor", 0)), int(request.query_params.get("limit", 50))
    end = start + limit
    return {"items": items[start:end], "next_cursor": str(end) if len(items) > end else None}


class State:
    """Everything there is. ``rules`` make a call fail: they are asked before every answer."""

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
        self.matches: list[dict[str, Any]] = []
        self.transactions: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.imports: dict[str, dict[str, Any]] = {}
        self.texts: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers: dict[tuple[str, str], JSONResponse] = {}
        self.categories: list[dict[str, Any]] = [{"id": str(uuid4()), "slug": "tools", "name": "Tools", "children": [
            {"id": str(uuid4()), "slug": "keyboards", "name": "Keyboards"}]},
            {"id": str(uuid4()), "slug": "other", "name": "Other", "children": []}]  # fmt: skip
        self.feeds: list[dict[str, Any]] = []
        self.isins: dict[str, dict[str, Any]] = {}
        self.totp_secret = TOTP_SECRET  # as it is shown
        self.recovery_codes = RECOVERY_CODES
        self.device_tokens: list[str | None] = []
        self.corrected_q: str | None = None
        self.on_leaderboard = False
        self.leaders: list[dict[str, Any]] = []
        self.months: list[dict[str, Any]] = []
        self.events: list[bytes] = []
        self.places: list[dict[str, Any]] = []
        self.rules: list[Callable[[Request], None]] = []
        self.seen: Counter[str] = Counter()
        self.request_ids: set[str | None] = set()
        self.clients: set[str | None] = set()
        self._number = itertools.count(1)
        for name, roles in (("ada", ["user"]), ("rea", ["user", "reviewer"]), ("adam", ["user", "admin"])):
            self.add_user(f"{name}@example.org", name.title(), roles)

    def add_user(self, email: str, name: str, roles: list[str]) -> None:
        self.users[email] = {
            "id": str(uuid4()), "email": email, "email_verified": True, "name": name, "roles": roles,
            "created_at": time_of(), "mfa_enabled": False, "disabled": False,
        }  # fmt: skip

    def add_app(self, name: str, points: int = 250, status: str = "published", **values: Any) -> dict[str, Any]:
        package = values.pop("package_name", f"org.example.app{len(self.apps)}")
        app = {
            "id": str(uuid4()), "package_name": package, "name": name, "summary": "Reads aloud", "description": "",
            "store_url": f"https://play.google.com/store/apps/details?id={package}", "icon_url": None,
            "category": "other", "subcategory": None, "points": points, "status": status, "max_completions": None,
            "created_at": time_of(), "updated_at": time_of(), "max_completions_per_day": None, "available_from": None,
            "available_until": None, "more_categories": [], "locale": "en", **values,
        }  # fmt: skip
        self.apps[app["id"]] = app
        return app

    def add_task(self, email: str, app: dict[str, Any], status: str = "started", **values: Any) -> dict[str, Any]:
        task = {
            "id": str(uuid4()), "user_id": self.users[email]["id"], "app_id": app["id"], "app_name": app["name"],
            "package_name": app["package_name"], "points": app["points"], "status": status, "attempts_left": 3,
            "last_rejection": None, "proof_id": None, "expires_at": time_of(days=7), "created_at": time_of(),
            "submitted_at": None, "decided_at": None, **values,
        }  # fmt: skip
        self.tasks[task["id"]] = task
        return task

    def add_proof(self, task: dict[str, Any], picture: bytes = PNG, width: int = 1080, height: int = 2400) -> None:
        proof = {
            "id": str(uuid4()), "task_id": task["id"], "attempt": 4 - task["attempts_left"], "width": width,
            "height": height, "created_at": time_of(),
        }  # fmt: skip
        self.proofs[proof["id"]] = proof
        self.pictures[proof["id"]] = picture
        task.update(status="submitted", proof_id=proof["id"], attempts_left=task["attempts_left"] - 1)

    def add_entry(self, description: str, points: int, **values: Any) -> None:
        balance = sum(entry["points"] for entry in self.entries) + points
        self.entries.insert(0, {
            "transaction_id": str(uuid4()), "kind": "task.approve", "description": description, "points": points,
            "balance_after": balance, "task_id": None, "created_at": time_of(), **values,
        })  # fmt: skip

    def add_place(self, user_agent: str, *, current: bool = False) -> None:
        self.places.append({
            "id": str(uuid4()), "created_at": time_of(), "last_used_at": time_of(), "expires_at": time_of(days=30),
            "network": "203.0.113.7", "user_agent": user_agent, "current": current,
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
