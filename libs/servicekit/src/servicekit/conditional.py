"""Conditional requests (RFC 9110, section 13): strong ETags, 304, and If-Match for changes."""

import hashlib

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel

from servicekit.problems import PreconditionFailed, PreconditionRequired


def etag_of(content: bytes) -> str:
    """A strong entity tag of these bytes."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def not_modified(request: Request, etag: str) -> bool:
    """Whether the client's copy is still good (If-None-Match, weak comparison)."""
    sent = request.headers.get("if-none-match", "")
    return sent.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in sent.split(",")}


def conditional_json(
    request: Request, body: BaseModel | msgspec.Struct, *, cache_control: str = "private, no-store"
) -> Response:
    """``body`` as JSON with a strong ETag, or 304 when the client has just that."""
    content = body.model_dump_json().encode() if isinstance(body, BaseModel) else msgspec.json.encode(body)
    etag = etag_of(content)
    headers = {"ETag": etag, "Cache-Control": cache_control}
    if not_modified(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def require_match(if_match: str | None, body: BaseModel) -> None:
    """Let a change through only when the client has seen the present ``body``.

    Raises:
        PreconditionRequired: there is no If-Match (428).
        PreconditionFailed: it names another version, or a weak tag (412).
    """
    if if_match is None:
        raise PreconditionRequired
    if if_match.strip() == "*":
        return
    if etag_of(body.model_dump_json().encode()) not in {tag.strip() for tag in if_match.split(",")}:
        raise PreconditionFailed
