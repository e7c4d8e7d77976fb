"""The committed ``openapi.json`` of every service: made from the code, compared by a test.

``python tests/architecture/openapi_files.py`` (``make openapi``) writes them.
"""

import importlib
import json
from pathlib import Path

from fastapi import FastAPI

ROOT = Path(__file__).parents[2]
SERVICES = {
    "auth_service": ROOT / "services/auth/openapi.json",
    "catalog_service": ROOT / "services/catalog/openapi.json",
    "rewards_service": ROOT / "services/rewards/openapi.json",
    "isin_worker": ROOT / "services/isin-worker/openapi.json",
}


def application(package: str) -> FastAPI:
    """The application of a service, good enough to describe and never to run."""
    settings = importlib.import_module(f"{package}.settings").Settings.example()
    app: FastAPI = importlib.import_module(f"{package}.main").create_app(settings)
    return app


def document(package: str) -> str:
    """The OpenAPI document as it is committed."""
    return json.dumps(application(package).openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, path in SERVICES.items():
        path.write_text(document(name), encoding="utf-8")
