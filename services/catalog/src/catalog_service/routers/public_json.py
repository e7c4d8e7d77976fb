"""Answers that caches may keep, but for what an administrator reads."""

from fastapi import Request, Response
from pydantic import BaseModel

from servicekit.conditional import conditional_json

PUBLIC = "public, max-age=60, stale-while-revalidate=300"
PRIVATE = "private, no-cache"


def public_json(request: Request, body: BaseModel, *, sees_all: bool = False) -> Response:
    """``body`` with its ETag, or 304. An administrator sees drafts, and every change at once: no cache may answer."""
    answer = conditional_json(request, body, cache_control=PRIVATE if sees_all else PUBLIC)
    answer.headers.add_vary_header("Authorization")
    return answer
