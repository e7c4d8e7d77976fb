"""Statements of SQLAlchemy's tables, built once and run by asyncpg itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives its dialects no types


@dataclass(frozen=True, slots=True)
class Sql:
    """The text of a statement, and its parameters in their order: names, and the values of those that are constants."""

    text: str
    parameters: tuple[tuple[str, Any], ...]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values as the driver takes them."""
        return [values.get(name, constant) for name, constant in self.parameters]


def compiled(statement: Executable) -> Sql:
    """The statement for asyncpg. What it is told each time are named ``bindparam``s."""
    built: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every Executable here has it
    return Sql(str(built), tuple((name, built.params[name]) for name in built.positiontup or ()))
