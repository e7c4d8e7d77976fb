"""The pages that the gateway has of its own: Swagger UI from this machine, and what each error means."""

import html
import re
from pathlib import Path
from typing import Annotated, Any, Final

import fastapi_offline
import msgspec
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from gateway.contract import Contract
from servicekit.problems import NotFound

_SWAGGER: Final = Path(fastapi_offline.__file__).parent / "static"
_STATIC: Final = Path(__file__).parent / "static"
ASSETS: Final = {
    "swagger-ui-bundle.js": (_SWAGGER / "swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": (_SWAGGER / "swagger-ui.css", "text/css"),
    "docs.js": (_STATIC / "docs.js", "text/javascript"),
    "page.css": (_STATIC / "page.css", "text/css"),
}
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-cache",
}
_DOCS_HEADERS: Final = _PAGE_HEADERS | {
    # Swagger UI has its icons as data: addresses.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
_DOCS: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Appraise: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/docs.js"></script>
</body>
</html>
"""
_PROBLEM: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} ({code})</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/page.css">
</head>
<body>
<main>
<p>Error <code>{code}</code>, HTTP status {status}</p>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="/docs">The API</a></p>
</main>
</body>
</html>
"""

router = APIRouter()


def _contract(request: Request) -> Contract:
    contract: Contract = request.app.state.contract
    return contract


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json(request: Request) -> Response:
    """The merged contract of all services."""
    body = msgspec.json.encode(await _contract(request).document())
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """Swagger UI over the merged contract."""
    return HTMLResponse(_DOCS, headers=_DOCS_HEADERS)


@router.get("/docs/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    """A file of the pages."""
    if name not in ASSETS:
        raise NotFound
    path, media_type = ASSETS[name]
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "public, max-age=3600"})


_EITHER = {
    "description": "As HTML, or as JSON when asked for",
    "content": {"text/html": {"schema": {"type": "string"}}},
}


@router.get("/problems/{code}", responses={200: _EITHER})
async def problem(code: str, request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """What an error code means and what to do about it."""
    found = await _contract(request).problem(code)
    if found is None:
        raise NotFound
    if "json" in accept and "text/html" not in accept:
        return Response(msgspec.json.encode(found), media_type="application/json")
    return HTMLResponse(_page(found), headers=_PAGE_HEADERS | {"Vary": "Accept"})


def _page(found: dict[str, Any]) -> str:
    escaped = {name: html.escape(str(value)) for name, value in found.items()}
    escaped["text"] = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped["text"])
    return _PROBLEM.format_map(escaped)
