"""Brings every schema to its newest revision, without asking those that were there already."""

import asyncio
import importlib.util
from pathlib import Path

from local_stack.databases import cluster_fingerprint, fingerprint
from local_stack.parts import SERVICES, Service, Site
from local_stack.preflight import CannotStartError
from local_stack.remembered import Remembered
from local_stack.supervisor import Supervisor


async def migrate_all(site: Site, supervisor: Supervisor, remembered: Remembered) -> None:
    """Runs the migrations of all services at once. Raises CannotStartError when one fails."""
    async with asyncio.TaskGroup() as group:
        for service in SERVICES:
            if service.database:
                group.create_task(_migrate(service, site, supervisor, remembered))


async def _migrate(service: Service, site: Site, supervisor: Supervisor, remembered: Remembered) -> None:
    # A second of CPU for each service that has nothing to do. A service still refuses to start behind its newest revision.
    state = _state(service, site)
    if state and remembered.has(f"migrated {service.name}", state):
        return
    code = await supervisor.run(service.name, site.launch(service, "migrate"))
    if code:
        raise CannotStartError(f"the migration of {service.name} failed with code {code}; its reason is above")
    if state:
        remembered.put(f"migrated {service.name}", state)


def _state(service: Service, site: Site) -> str | None:
    """What its schema is made from and where; None when that cannot be told, as with an outside database."""
    spec = importlib.util.find_spec(service.package)
    if site.postgres is None or f"{service.prefix}DATABASE_URL" in site.environment or not spec or not spec.origin:
        return None
    revisions = sorted((Path(spec.origin).parents[2] / "migrations").rglob("*.py"))
    sources = [f"{revision.name}\0{revision.read_text()}" for revision in revisions]
    return fingerprint(cluster_fingerprint(site.postgres.data), *sources) if sources else None
