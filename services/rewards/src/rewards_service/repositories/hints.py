"""Which other proofs a reviewer may want to compare a proof with: the same picture, and those that look alike."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LISTED = 5  # of each kind; the counts tell how many there are
ALIKE_BITS = 10  # of 64 that may differ
ALIKE_AMONG = 1000  # the app's newest proofs: what is asked stays the same however many there are

_COUNTS = text("""
    SELECT proof.id,
        (SELECT count(*) FROM proof AS other WHERE other.file_sha256 = proof.file_sha256) - 1 AS same_file,
        (SELECT count(*) FROM proof AS other WHERE other.pixels_sha256 = proof.pixels_sha256) - 1 AS same_pixels
    FROM proof WHERE proof.id = ANY(:proofs)
""")
_SAME = text("""
    SELECT proof.id AS proof_id, other.id AS other_id, other.task_id, task.user_id, task.app_name, task.status,
        CASE WHEN other.file_sha256 = proof.file_sha256 THEN 'same_file' ELSE 'same_pixels' END AS kind, 0 AS distance
    FROM proof
    CROSS JOIN LATERAL (
        SELECT * FROM proof AS other
        WHERE (other.pixels_sha256 = proof.pixels_sha256 OR other.file_sha256 = proof.file_sha256)
            AND other.id <> proof.id
        ORDER BY other.id DESC LIMIT :listed
    ) AS other
    JOIN task ON task.id = other.task_id
    WHERE proof.id = ANY(:proofs)
    ORDER BY other.id DESC
""")
# Twice as many are looked up as are listed, as the same pictures are among the nearest, and have their own list.
_ALIKE = text("""
    SELECT proof.id AS proof_id, other.id AS other_id, other.task_id, task.user_id, task.app_name, task.status,
        'similar' AS kind, nearest.distance
    FROM proof
    CROSS JOIN LATERAL (
        SELECT id, bit_count((dhash # proof.dhash)::bit(64)) AS distance
        FROM (SELECT id, dhash FROM proof AS latest WHERE latest.app_id = proof.app_id ORDER BY id DESC LIMIT :among)
            AS latest
        WHERE id <> proof.id AND bit_count((dhash # proof.dhash)::bit(64)) <= :bits
        ORDER BY distance, id DESC LIMIT 2 * :listed
    ) AS nearest
    JOIN proof AS other ON other.id = nearest.id AND other.pixels_sha256 <> proof.pixels_sha256
    JOIN task ON task.id = other.task_id
    WHERE proof.id = ANY(:proofs)
    ORDER BY nearest.distance, nearest.id DESC
""")


@dataclass(frozen=True, slots=True)
class Match:
    """Another proof that is like the one in question: ``same_file``, ``same_pixels``, or ``similar``."""

    kind: str
    distance: int  # bits of 64 in which the two look different
    proof_id: UUID
    task_id: UUID
    user_id: UUID
    app_name: str
    status: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many other proofs are the same, and which are worth a look."""

    same_file: int
    same_pixels: int
    matches: list[Match]


class HintRepository:
    """Hints for reviewers, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def likeness(self, proofs: list[UUID]) -> dict[UUID, Likeness]:
        """For each of these proofs what is like it, by anyone and for any app, but alike of the same app only."""
        matches: defaultdict[UUID, list[Match]] = defaultdict(list)
        for statement, values in (
            (_SAME, {"listed": LISTED}),
            (_ALIKE, {"listed": LISTED, "among": ALIKE_AMONG, "bits": ALIKE_BITS}),
        ):
            for row in await self._session.execute(statement, {"proofs": proofs, **values}):
                if sum(match.kind == row.kind for match in matches[row.proof_id]) < LISTED:
                    matches[row.proof_id].append(_match(row))
        counts = await self._session.execute(_COUNTS, {"proofs": proofs})
        return {row.id: Likeness(row.same_file, row.same_pixels, matches[row.id]) for row in counts}


def _match(row: Any) -> Match:
    return Match(row.kind, row.distance, row.other_id, row.task_id, row.user_id, row.app_name, row.status)
