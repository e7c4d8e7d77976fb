"""Securities and lists, in memory."""

from typing import Any

from fake_state import State, failure, page_of, time_of
from fastapi import APIRouter, Request


def add_routes(api: State, router: APIRouter) -> None:
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

    api.feeds.append({
        "name": "nse-equity", "title": "NSE India, listed equities", "url": "https://example.org/list.csv",
        "schedule": "daily 02:00 UTC", "business_date": "2026-11-20", "last_success_at": time_of(), "rows": 2383,
        "next_run_at": time_of(days=1), "freshness": "fresh",
    })  # fmt: skip
    api.isins["INE002A01018"] = {
        "isin": "INE002A01018", "valid": True, "country": "IN", "name": "Reliance Industries Limited",
        "type": "equity", "currency": "INR", "lei": None, "status": "active",
        "feeds": [{"feed": "nse-equity", "status": "listed", "first_seen": "2026-11-02", "last_seen": "2026-11-20",
                   "details": {}}],
    }  # fmt: skip
