"""How much reviewers decide, how, and how long people wait for it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The wait is that of the person: from the proof's arrival to the decision on it.
_DECISIONS = text("""
    SELECT decided_by AS reviewer_id, count(*) AS decided,
        count(*) FILTER (WHERE decision = 'approve') AS approved,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - created_at)) AS median_seconds
    FROM proof
    WHERE decided_at IS NOT NULL AND (CAST(:span AS interval) IS NULL OR decided_at > now() - CAST(:span AS interval))
    GROUP BY GROUPING SETS ((), (decided_by))
    ORDER BY decided_by IS NOT NULL, decided DESC, decided_by
""")


@dataclass(frozen=True, slots=True)
class Decisions:
    """What one reviewer decided; all of them together when ``reviewer_id`` is None."""

    reviewer_id: UUID | None
    decided: int
    approved: int
    median_seconds: float | None

    @property
    def rejected(self) -> int:
        """The rest."""
        return self.decided - self.approved

    @property
    def approval_rate(self) -> float | None:
        """The share that was approved, 0 to 1."""
        return round(self.approved / self.decided, 4) if self.decided else None


class StatisticsRepository:
    """Statistics, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def decisions(self, span: timedelta | None) -> tuple[Decisions, list[Decisions]]:
        """The decisions of the last ``span`` (None: of all time), in total and by reviewer, the busiest first."""
        total, *reviewers = [Decisions(*row) for row in await self._session.execute(_DECISIONS, {"span": span})]
        return total, reviewers
