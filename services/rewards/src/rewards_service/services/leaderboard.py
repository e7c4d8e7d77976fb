"""The leaderboard of those who opted in."""

from typing import Literal
from uuid import UUID

from rewards_service.clients.accounts import Accounts
from rewards_service.repositories.leaderboard import LeaderboardRepository
from rewards_service.schemas.points import LeaderOut, PreferencesOut
from servicekit.db import Database
from servicekit.pagination import Cursors
from servicekit.schemas import Page

Period = Literal["all", "month"]


class LeaderboardService:
    """Who is on the leaderboard, and in which place. Others learn a name and points, never an id or an address."""

    def __init__(self, database: Database, accounts: Accounts, cursors: Cursors) -> None:
        self._database = database
        self._accounts = accounts
        self._cursors = cursors

    async def preferences(self, user_id: UUID) -> PreferencesOut:
        """What this person chose; until they choose, nobody sees them."""
        async with self._database.transaction() as session:
            return PreferencesOut(leaderboard=await LeaderboardRepository(session).is_shown(user_id))

    async def choose(self, user_id: UUID, token: str, *, shown: bool) -> PreferencesOut:
        """Put this person on the leaderboard under the name that their account has now, or take them off.

        Raises:
            Unavailable: the accounts can't be asked for the name.
        """
        name = (await self._accounts.me(token)).name if shown else None
        async with self._database.transaction() as session:
            await LeaderboardRepository(session).show(user_id, name)
        return PreferencesOut(leaderboard=shown)

    async def leaders(self, user_id: UUID, period: Period, cursor: str | None, limit: int) -> Page[LeaderOut]:
        """Most points first."""
        scope = f"leaderboard {period}"
        after = None
        if cursor:
            points, last_id = self._cursors.decode(scope, cursor)
            after = (points, UUID(last_id))
        async with self._database.transaction() as session:
            board = LeaderboardRepository(session)
            found = await board.leaders(await board.month() if period == "month" else None, after, limit + 1)
        items = [
            LeaderOut(rank=leader.rank, name=leader.name, points=leader.points, is_me=leader.user_id == user_id)
            for leader in found[:limit]
        ]
        last = found[limit - 1] if len(found) > limit else None
        next_cursor = self._cursors.encode(scope, [last.points, str(last.user_id)]) if last else None
        return Page(items=items, next_cursor=next_cursor)
