"""The committed ``openapi.json`` of every service, and of all as one: made from the code, compared by a test.

``python tests/architecture/openapi_files.py`` (``make openapi``) writes them.
"""

import importlib
import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gateway.main import own_app
from gateway.merge import merge
from gateway.routes import load_table

ROOT = Path(__file__).parents[2]
SERVICES = {
    "auth_service": ROOT / "services/auth/openapi.json",
    "catalog_service": ROOT / "services/catalog/openapi.json",
    "rewards_service": ROOT / "services/rewards/openapi.json",
    "isin_worker": ROOT / "services/isin-worker/openapi.json",
}


# What clients are generated from: the document that the gateway serves at /openapi.json.
MERGED = ROOT / "gateway/openapi.json"


def application(package: str) -> FastAPI:
    """The application of a service, good enough to describe and never to run."""
    settings = importlib.import_module(f"{package}.settings").Settings.example()
    app: FastAPI = importlib.import_module(f"{package}.main").create_app(settings)
    return app


def document(package: str) -> str:
    """The OpenAPI document of a service as it is committed."""
    return _text(application(package).openapi())


def merged_document() -> str:
    """The one document for all services as it is committed."""
    services = {package.removesuffix("_service").removesuffix("_worker"): package for package in SERVICES}
    documents = {name: application(package).openapi() for name, package in services.items()}
    table = load_table()
    own = own_app(table, {}).openapi()
    return _text(merge({"gateway": own, **documents}, table))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, path in SERVICES.items():
        path.write_text(document(name), encoding="utf-8")
    MERGED.write_text(merged_document(), encoding="utf-8")
