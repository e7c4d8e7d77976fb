"""The merged OpenAPI document, fetched from the services and kept for a while."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.merge import Document, merge
from gateway.routes import RouteTable
from gateway.upstream import Upstream
from servicekit.logs import get_logger
from servicekit.problems import DomainError

KEEP_SECONDS: Final = 30.0
KEEP_PARTIAL_SECONDS: Final = 2.0  # a service was away
FETCH_SECONDS: Final = 2.0

log = get_logger(__name__)


class Contract:
    """Asks each service for its ``/openapi.json``. Of one that is away the last known document stays, and is marked."""

    def __init__(
        self,
        services: Mapping[str, Upstream],
        table: RouteTable,
        own: Callable[[], Document],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self.table = table
        self._own = own
        self._clock = clock
        self._known: dict[str, Document] = {}
        self._document: Document = {}
        self._fresh_until = float("-inf")
        self._lock = asyncio.Lock()

    async def document(self) -> Document:
        """The merged document; not to be changed."""
        async with self._lock:  # one fetch at a time: the others wait for its result
            if self._clock() >= self._fresh_until:
                fetched = await asyncio.gather(*(_fetch(service) for service in self._services.values()))
                answers = dict(zip(self._services, fetched, strict=True))
                self._known |= {name: document for name, document in answers.items() if document is not None}
                away = [name for name, document in answers.items() if document is None]
                known = {name: self._known[name] for name in self._services if name in self._known}
                self._document = merge({"gateway": self._own(), **known}, self.table, away=away)
                keep = KEEP_PARTIAL_SECONDS if away else KEEP_SECONDS
                self._fresh_until = self._clock() + keep
        return self._document

    async def problem(self, code: str) -> dict[str, Any] | None:
        """What the error of this code means, or None when nobody answers with it."""
        document = await self.document()
        return next((problem for problem in document["x-problems"] if problem["code"] == code), None)


async def _fetch(service: Upstream) -> Document | None:
    try:
        status, body = await service.fetch("/openapi.json", FETCH_SECONDS)
        document = json.loads(body) if status == 200 else None
    except (DomainError, ValueError) as error:
        log.warning("contract.away", upstream=service.name, error=type(error).__name__)
        return None
    return document if isinstance(document, dict) else None
