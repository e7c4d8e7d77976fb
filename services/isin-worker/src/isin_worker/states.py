"""The words of the ledger and of the history."""

from enum import StrEnum
from typing import Literal


class Status(StrEnum):
    """Where a run stands. ``failed`` will be tried again; ``dead`` and ``held`` wait for an administrator.

    ``dropped`` is what was held and will not be published: an administrator, or a newer list, has said so.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    HELD = "held"
    DROPPED = "dropped"
    FAILED = "failed"
    DEAD = "dead"


class Trigger(StrEnum):
    """What made a run due."""

    SCHEDULE = "schedule"
    API = "api"
    COMMAND = "command"


class Kind(StrEnum):
    """What happened to an ISIN on a list."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


Gate = Literal["shrunk", "removed", "bad-rows", "header-drift", "stated-count", "checksum", "parts-missing"]
"""Why a list was held."""
