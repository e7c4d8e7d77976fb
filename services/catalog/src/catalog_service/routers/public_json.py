"""Answers that caches may keep, but for what an administrator reads."""

from collections.abc import Iterable

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel

from servicekit.conditional import etag_of, not_modified

PUBLIC = "public, max-age=60, stale-while-revalidate=300"
PRIVATE = "private, no-cache"


def public_json(
    request: Request,
    body: BaseModel | msgspec.Struct,
    *,
    sees_all: bool = False,
    locales: Iterable[str] | None = None,
) -> Response:
    """``body`` with its ETag, or 304. An administrator sees drafts, and every change at once: no cache may answer.

    ``locales``: the languages that the texts are in, when they were chosen by Accept-Language.
    """
    content = body.model_dump_json().encode() if isinstance(body, BaseModel) else msgspec.json.encode(body)
    etag = etag_of(content)
    headers = {"ETag": etag, "Cache-Control": PRIVATE if sees_all else PUBLIC, "Vary": "Authorization"}
    if locales is not None:
        headers["Vary"] = "Authorization, Accept-Language"
        if known := sorted(set(locales)):
            headers["Content-Language"] = ", ".join(known)
    if not_modified(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
