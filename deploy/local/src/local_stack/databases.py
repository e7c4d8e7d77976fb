"""A database and a role for each service on the embedded server, none with rights on another's."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


async def ensure_databases(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Makes what is missing: a role and a database of one name for each entry."""
    import asyncpg  # noqa: PLC0415 - 60 ms that a stack on outside servers never pays

    connection = await asyncpg.connect(superuser_url)
    try:
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for name, password in passwords.items():
            if name not in roles:
                await connection.execute(f"CREATE ROLE {_identifier(name)} LOGIN PASSWORD {_literal(password)}")
            if name not in databases:
                await connection.execute(f"CREATE DATABASE {_identifier(name)} OWNER {_identifier(name)}")
        for name in ("postgres", "template1", *passwords):
            await connection.execute(f"REVOKE ALL ON DATABASE {_identifier(name)} FROM PUBLIC")
    finally:
        await connection.close()


def cluster_fingerprint(data: Path) -> str:
    """Tells one data folder from another: the system identifier, the first eight bytes of Postgres' control file."""
    with (data / "global" / "pg_control").open("rb") as control:
        return control.read(8).hex()


def fingerprint(*parts: str) -> str:
    """A short digest of what something was made from."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
