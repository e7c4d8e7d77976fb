"""A database that is away, overloaded or busy with a lock is a 503 that names a time, not a crash: nothing was done."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from servicekit.problems import Unavailable

# SQLSTATE: connection lost (08), resources used up (53), the server is stopping (57P), a deadlock or a conflict that
# a repetition solves (40), a lock or an answer that did not come in time (55P03, 57014).
TRANSIENT_CLASSES = ("08", "53", "57P", "40")
TRANSIENT_STATES = frozenset({"55P03", "57014"})
# Connecting fails with the driver's or the system's own errors, which SQLAlchemy passes on as they are.
CONNECT_ERRORS: tuple[type[Exception], ...] = (PoolTimeout, ConnectionError, TimeoutError)
DATABASE_ERRORS: tuple[type[Exception], ...] = (DBAPIError, asyncpg.PostgresError, *CONNECT_ERRORS)


class StoreUnavailable(Unavailable):
    """The service's database is away or too busy at the moment. Nothing was changed: send the same request again."""

    code, title = "store-unavailable", "The database is not available at the moment"


def outage(error: Exception) -> StoreUnavailable | None:
    """The problem to answer with, when ``error`` says that the database can't at the moment; None for a real fault."""
    if isinstance(error, CONNECT_ERRORS) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return StoreUnavailable(retry_after=1)
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    transient = state.startswith(TRANSIENT_CLASSES) or state in TRANSIENT_STATES
    return StoreUnavailable(retry_after=1) if transient else None
