"""Whether the database has the schema that this release needs.

Alembic could tell too, but importing it costs each process a fifth of a second at its start: only ``migrate`` does.
"""

import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from servicekit.logs import get_logger

REVISION = re.compile(r"^(?P<down>down_)?revision\s*(?::[^=]+)?=\s*(?:[\"'](?P<name>[^\"']+)[\"']|None)", re.MULTILINE)
log = get_logger(__name__)


class SchemaNotAtHead(RuntimeError):
    """The database's schema is not the one that this release needs."""


def heads(package_file: str) -> set[str]:
    """The newest revisions of the package whose ``__file__`` is given: those that no other one builds on."""
    names, built_on = _revisions(package_file)
    return names - built_on


def is_newer(current: set[str], package_file: str) -> bool:
    """Whether this schema was made by a newer release: it is at a revision that this one has never heard of.

    Migrations are never taken back and work with the release before them, so that one can go on beside it, or again
    after it (docs/adr/0029).
    """
    known, _ = _revisions(package_file)
    return bool(current - known)


async def current_revisions(connection: AsyncConnection) -> set[str]:
    """Where the schema is; nothing before the first migration."""
    if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar() is None:
        return set()
    return set((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars())


async def require_head(connection: AsyncConnection, package_file: str) -> None:
    """Raise SchemaNotAtHead unless the schema is at the newest revision of the package, or made by a newer release."""
    needed, current = heads(package_file), await current_revisions(connection)
    if current == needed:
        return
    if not is_newer(current, package_file):
        raise SchemaNotAtHead(
            f"the schema is at {sorted(current) or 'nothing'}, needed is {sorted(needed)}: run `migrate`"
        )
    log.warning("schema.newer", schema=sorted(current), release=sorted(needed))


def _revisions(package_file: str) -> tuple[set[str], set[str]]:
    """All revisions of the package, and those that another one builds on."""
    names: set[str] = set()
    built_on: set[str] = set()
    for script in (Path(package_file).parent / "migrations" / "versions").glob("*.py"):
        for found in REVISION.finditer(script.read_text(encoding="utf-8")):
            if found["name"]:
                (built_on if found["down"] else names).add(found["name"])
    return names, built_on
