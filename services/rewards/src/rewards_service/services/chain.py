"""The chain over the ledger: whoever changes a line that is sealed, even at the database's prompt, breaks it.

Link n is SHA-256 of link n-1 (32 zero bytes before the first) and of the transaction with its entries, written as JSON
with sorted keys and no blanks, in UTF-8. To cut off the end of the ledger together with its seals leaves a chain that
holds: keep the ``head`` that `verify` names somewhere else, and compare.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from rewards_service.repositories.seals import Link, SealRepository
from rewards_service.schemas.ledger import BrokenLink, ChainOut
from servicekit.db import Database

BEFORE_THE_FIRST = bytes(32)
BATCH = 1000


def link_hash(previous: bytes, booked: dict[str, Any]) -> bytes:
    """The hash of the link that follows ``previous``."""
    content = json.dumps(booked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + content.encode()).digest()


async def seal(database: Database) -> int:
    """Seal what is booked and not sealed yet, a batch in each transaction. Returns how many transactions were sealed.

    Safe to run twice and by several at once: one of them does the work, and the others find nothing to do.
    """
    total = 0
    while sealed := await _seal_batch(database):
        total += sealed
    return total


async def _seal_batch(database: Database) -> int:
    async with database.transaction() as session:
        seals = SealRepository(session)
        if not await seals.try_lock():
            return 0
        position, digest = await seals.last() or (0, BEFORE_THE_FIRST)
        links = []
        for transaction_id, booked in await seals.unsealed(BATCH):
            position, digest = position + 1, link_hash(digest, booked)
            links.append((position, transaction_id, digest))
        if links:
            await seals.add(links)
        return len(links)


async def check_chain(database: Database) -> ChainOut:
    """Walk the whole chain, and name the first link that does not hold."""
    position, digest = 0, BEFORE_THE_FIRST
    broken: BrokenLink | None = None
    while broken is None:
        async with database.transaction() as session:
            links = await SealRepository(session).links(position, BATCH)
        if not links:
            break
        position, digest, broken = _follow(position, digest, links)
    async with database.transaction() as session:
        unsealed = await SealRepository(session).unsealed_count()
    return ChainOut(sealed=position, unsealed=unsealed, head=digest.hex() if position else None, broken=broken)


def _follow(position: int, digest: bytes, links: Iterable[Link]) -> tuple[int, bytes, BrokenLink | None]:
    """How far the links hold, and the first that does not."""
    for link in links:
        if fault := _fault(position, digest, link):
            return position, digest, BrokenLink(position=position + 1, transaction_id=link.transaction_id, detail=fault)
        position, digest = link.position, link.hash
    return position, digest, None


def _fault(position: int, digest: bytes, link: Link) -> str | None:
    if link.position != position + 1:
        return f"the seal is missing; the next one is number {link.position}"
    if link.booked["id"] is None:
        return "the transaction is gone"
    if link_hash(digest, link.booked) != link.hash:
        return "the transaction, an entry of it or the seal was changed"
    return None
