"""Brings every schema to its newest revision, without asking those that were there already."""

import asyncio
import importlib.util
from pathlib import Path

from local_stack.databases import cluster_fingerprint, fingerprint
from local_stack.parts import SERVICES, Service, Site
from local_stack.preflight import CannotStart
from local_stack.remembered import Remembered
from local_stack.supervisor import Supervisor


async def migrate_all(site: Site, supervisor: Supervisor, remembered: Remembered) -> None:
    """Runs the migrations of all services at once. Raises CannotStart when one fails."""
    behind = [service for service in SERVICES if service.database and not _at_head(service, site, remembered)]
    codes = await asyncio.gather(*(supervisor.run(one.name, site.launch(one, "migrate")) for one in behind))
    for service, code in zip(behind, codes, strict=True):
        if code:
            raise CannotStart(f"the migration of {service.name} failed with code {code}; its reason is above")
        if state := _state(service, site):
            remembered.put(f"migrated {service.name}", state)


def _at_head(service: Service, site: Site, remembered: Remembered) -> bool:
    # Asking costs a second of CPU for each service. One that is behind after all refuses to start, and says so.
    state = _state(service, site)
    return state is not None and remembered.has(f"migrated {service.name}", state)


def _state(service: Service, site: Site) -> str | None:
    """What its schema is made from and where; None when that cannot be told, as with an outside database."""
    spec = importlib.util.find_spec(service.package)
    if site.postgres is None or f"{service.prefix}DATABASE_URL" in site.environment or not spec or not spec.origin:
        return None
    revisions = sorted((Path(spec.origin).parent / "migrations").rglob("*.py"))
    sources = [f"{revision.name}\0{revision.read_text()}" for revision in revisions]
    return fingerprint(cluster_fingerprint(site.postgres.data), *sources) if sources else None
