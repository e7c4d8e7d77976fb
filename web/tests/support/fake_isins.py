"""Securities and lists, in memory."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from typing import Any
from uuid import uuid4

from fake_state import State, failure, page_of, time_of
from fastapi import APIRouter, Request


def add_run(api: State, feed: str = "nse-equity", **values: Any) -> dict[str, Any]:
    run = {
        "id": str(uuid4()), "feed": feed, "status": "succeeded", "business_date": "2026-11-20", "trigger": "schedule",
        "attempts": 1, "bytes": 168211, "rows": 2384, "valid": 2383, "added": 3, "changed": 1, "removed": 2,
        "unchanged": 2379, "quarantined": 1, "created_at": time_of(), "started_at": time_of(),
        "finished_at": time_of(seconds=2), "next_try_at": None, "error": None, "url": "https://example.org/list.csv",
        "sha256": "9f86d0", "gate": None, **values,
    }  # fmt: skip
    api.runs.insert(0, run)
    return run


def add_routes(api: State, router: APIRouter) -> None:
    @router.get("/api/v1/isins")
    async def search(request: Request) -> dict[str, Any]:
        api.caller(request)
        words = request.query_params.get("q", "").lower()
        return page_of([one for one in api.isins.values() if words in one["name"].lower()], request)

    @router.post("/api/v1/isins/validate")
    async def validate(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request)
        return {"items": [
            {"isin": text, "valid": text in api.isins, "reason": None if text in api.isins else "check-digit",
             "expected_check_digit": None if text in api.isins else 5}
            for text in body["isins"]
        ]}  # fmt: skip

    @router.post("/api/v1/isins/extract")
    async def extract(request: Request) -> dict[str, Any]:
        api.caller(request)
        words = (await request.body()).decode().split()
        found = [word for word in words if len(word) == 12 and word.isalnum()]
        return {"items": [{"isin": w, "offset": 0, "valid": w in api.isins, "known": w in api.isins} for w in found]}

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
        return page_of(api.feeds, request)

    @router.get("/api/v1/feeds/{name}")
    async def feed(request: Request, name: str) -> dict[str, Any]:
        api.caller(request)
        found = next((feed for feed in api.feeds if feed["name"] == name), None)
        if found is None:
            raise failure(404, "unknown-feed", "No such feed")
        return found

    @router.get("/api/v1/feeds/{name}/runs")
    async def runs(request: Request, name: str) -> dict[str, Any]:
        api.caller(request)
        return page_of([run for run in api.runs if run["feed"] == name], request)

    @router.post("/api/v1/feeds/{name}/runs", status_code=202)
    async def start(request: Request, name: str, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        return add_run(api, name, status="pending", business_date=body.get("business_date", "2026-11-21"))

    @router.get("/api/v1/feeds/{name}/runs/{run_id}")
    async def run(request: Request, name: str, run_id: str) -> dict[str, Any]:
        api.caller(request)
        return next(run for run in api.runs if run["id"] == run_id)

    @router.get("/api/v1/feeds/{name}/runs/{run_id}/quarantine")
    async def refused(request: Request, name: str, run_id: str) -> dict[str, Any]:
        api.caller(request, "admin")
        return page_of([{"row_number": 17, "reason": "check digit", "raw": "RELI;INE002A01019"}], request)

    @router.post("/api/v1/feeds/{name}/runs/{run_id}/{answer}")
    async def settle(request: Request, name: str, run_id: str, answer: str) -> dict[str, Any]:
        api.caller(request, "admin")
        found = next(run for run in api.runs if run["id"] == run_id)
        if found["status"] != "held":
            raise failure(409, "not-held", "No gate holds it")
        found["status"] = {"release": "pending", "drop": "dropped"}[answer]
        return found

    api.feeds.append({
        "name": "nse-equity", "title": "NSE India, listed equities", "url": "https://example.org/list.csv",
        "schedule": "daily 02:00 UTC", "business_date": "2026-11-20", "last_success_at": time_of(), "rows": 2383,
        "next_run_at": time_of(days=1), "freshness": "fresh", "alerts": [],
    })  # fmt: skip
    api.isins["INE002A01018"] = {
        "isin": "INE002A01018", "valid": True, "country": "IN", "name": "Reliance Industries Limited",
        "type": "equity", "currency": "INR", "lei": None, "status": "active",
        "feeds": [{"feed": "nse-equity", "status": "listed", "first_seen": "2026-11-02", "last_seen": "2026-11-20",
                   "venues": ["XNSE"], "details": {"symbol": "RELIANCE"}}],
    }  # fmt: skip
