"""Whether the database has the schema that this release needs.

Alembic could tell too, but importing it costs each process a fifth of a second at its start: only ``migrate`` does.
"""

import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

REVISION = re.compile(r"^(?P<down>down_)?revision\s*(?::[^=]+)?=\s*(?:[\"'](?P<name>[^\"']+)[\"']|None)", re.MULTILINE)


class SchemaNotAtHead(RuntimeError):
    """The database's schema is not the one that this release needs."""


def heads(package_file: str) -> set[str]:
    """The newest revisions of the package whose ``__file__`` is given: those that no other one builds on."""
    names: set[str] = set()
    built_on: set[str] = set()
    for script in (Path(package_file).parent / "migrations" / "versions").glob("*.py"):
        for found in REVISION.finditer(script.read_text(encoding="utf-8")):
            if found["name"]:
                (built_on if found["down"] else names).add(found["name"])
    return names - built_on


async def require_head(connection: AsyncConnection, package_file: str) -> None:
    """Raise SchemaNotAtHead unless the schema is at the newest revision of the package."""
    needed = heads(package_file)
    try:
        current = set((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars())
    except ProgrammingError:  # there is no such table: nothing was ever migrated
        current = set()
    if current != needed:
        raise SchemaNotAtHead(
            f"the schema is at {sorted(current) or 'nothing'}, needed is {sorted(needed)}: run `migrate`"
        )
