"""How much of a list may be other than before without anybody having to look at it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """Shares of a list, 0 to 1. What is more holds the list, unless it is no more than ``few`` rows.

    ``shrunk``: rows fewer than before. ``removed``: of what stood. ``bad``: rows refused for a fault.
    """

    shrunk: float = 0.10
    removed: float = 0.05
    bad: float = 0.005
    few: int = 5
