"""Gates: what keeps a list from being published until somebody has looked at it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isin_worker.feeds.gate_limits import GateLimits
from isin_worker.pipeline.batches import Delivery, Statement
from isin_worker.states import Gate


@dataclass(frozen=True, slots=True)
class Hold:
    """A gate that a list did not pass: what was measured and what is allowed, where that is a number."""

    gate: Gate
    detail: str
    value: float | None = None
    limit: float | None = None

    def as_record(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A list that is staged, beside the one that stands; ``stood`` is None when none does.

    ``read`` counts rows as they were read, ``bad`` those that were refused for a fault, ``valid`` what would stand.
    ``statements`` are what its files say of their own length.
    """

    read: int
    bad: int
    valid: int
    removed: int
    stood: int | None
    statements: Sequence[Statement] = ()


def holds(delivery: Delivery, measured: Measured, limits: GateLimits) -> Sequence[Hold]:
    """Every gate that the list does not pass. The first list of a feed has nothing to be compared with."""
    return [*_what_the_publisher_says(delivery, measured), *_what_was_counted(measured, limits)]


def _what_the_publisher_says(delivery: Delivery, measured: Measured) -> Iterator[Hold]:
    for said in measured.statements:
        if said.stated is None:
            yield Hold(
                "stated-count", "the list does not say how many rows it has: its end may be missing", said.counted
            )
        elif said.stated != said.counted:
            detail = f"the list says that it has {said.stated} rows, and it has {said.counted}"
            yield Hold("stated-count", detail, said.counted, said.stated)
    if delivery.checksum_differs:
        yield Hold("checksum", f"another checksum than is listed: {', '.join(delivery.checksum_differs)}")
    if delivery.parts_missing:
        yield Hold("parts-missing", f"missing: {', '.join(delivery.parts_missing)}")


def _what_was_counted(measured: Measured, limits: GateLimits) -> Iterator[Hold]:
    if _many(measured.bad, measured.read, limits.bad, limits.few):
        detail = f"{measured.bad} of {measured.read} rows are bad"
        yield Hold("bad-rows", detail, _share(measured.bad, measured.read), limits.bad)
    if not measured.stood:
        return
    fewer = measured.stood - measured.valid
    if _many(fewer, measured.stood, limits.shrunk, limits.few):
        detail = f"{measured.valid} rows instead of {measured.stood}"
        yield Hold("shrunk", detail, _share(fewer, measured.stood), limits.shrunk)
    if _many(measured.removed, measured.stood, limits.removed, limits.few):
        detail = f"{measured.removed} of {measured.stood} rows are gone"
        yield Hold("removed", detail, _share(measured.removed, measured.stood), limits.removed)


def _many(count: int, of: int, limit: float, few: int) -> bool:
    return count > few and count > limit * of


def _share(count: int, of: int) -> float:
    return round(count / of, 4)
