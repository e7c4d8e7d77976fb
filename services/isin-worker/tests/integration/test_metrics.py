"""What Prometheus is told moves when the thing happens: a list that comes, one that is missing, one that is held."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from isin_worker.reconcile import Reconciler
from isin_worker.testing import Publisher, make_list, make_row

pytestmark = pytest.mark.integration

DAY = 24 * 3600.0
Open = Callable[..., Awaitable[Reconciler]]
AsUser = Callable[..., httpx.AsyncClient]


async def scrape(client: httpx.AsyncClient) -> dict[str, float]:
    """Values by name and the labels other than the feed."""
    text = (await client.get("/internal/metrics")).raise_for_status().text
    found = re.findall(r"^((?:isin_|appraise_).*) (\S+)$", text, re.MULTILINE)
    return {re.sub(r'feed="nse-equity",?|\{feed="nse-equity"\}', "", name): float(value) for name, value in found}


async def days_pass(db: asyncpg.Connection, days: int) -> None:
    await db.execute("UPDATE run SET business_date = business_date - $1::int", days)
    await db.execute(
        "UPDATE publication SET business_date = business_date - $1::int,"
        " confirmed_at = confirmed_at - make_interval(days => $1::int)",
        days,
    )


async def test_a_list_that_comes_ends_its_being_overdue(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, as_user: AsUser
) -> None:
    assert db
    client = as_user()
    assert (await scrape(client))["isin_feed_overdue_seconds"] < DAY
    publisher.content = make_list(make_row(number) for number in range(7))
    await reconciler.reconcile()
    found = await scrape(client)
    assert (found["isin_feed_overdue_seconds"], found["isin_feed_rows"]) == (0, 7)
    assert found['isin_last_run_rows{kind="added"}'] == 7
    assert found['isin_runs{status="succeeded"}'] == 1
    assert found['appraise_measured{what="feeds"}'] == 1
    assert found["isin_feed_age_seconds"] < DAY / 2


async def test_a_list_that_does_not_come_is_overdue_since_the_first_that_is_missing(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, as_user: AsUser
) -> None:
    publisher.content = make_list([make_row(1)])
    await reconciler.reconcile()
    await days_pass(db, 3)
    found = await scrape(as_user())
    assert 2 * DAY <= found["isin_feed_overdue_seconds"] < 3 * DAY
    assert 3 * DAY <= found["isin_feed_age_seconds"] < 3.5 * DAY


async def test_runs_that_wait_for_somebody_are_counted_until_a_decision_settles_their_date(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, as_user: AsUser
) -> None:
    publisher.content = make_list(make_row(number) for number in range(100))
    await reconciler.reconcile()
    await days_pass(db, 1)
    publisher.content = make_list([make_row(1)])
    (visit,) = await reconciler.reconcile()
    admin = as_user("admin")
    found = await scrape(admin)
    assert (found['isin_runs{status="held"}'], found['isin_runs{status="dead"}']) == (1, 0)
    await admin.post(f"/api/v1/feeds/nse-equity/runs/{visit.run.id}/drop")
    found = await scrape(admin)
    assert (found['isin_runs{status="held"}'], found["isin_feed_overdue_seconds"]) == (0, 0)


async def test_a_run_that_gave_up_is_counted_until_a_newer_list_stands(
    open_reconcilers: Open, publisher: Publisher, db: asyncpg.Connection, as_user: AsUser
) -> None:
    publisher.content = make_list([make_row(1)])
    publisher.status = 404
    reconciler = await open_reconcilers(max_attempts=1)
    await reconciler.reconcile()
    assert (await scrape(as_user()))['isin_runs{status="dead"}'] == 1
    await days_pass(db, 1)
    publisher.status = 200
    await reconciler.reconcile()
    assert (await scrape(as_user()))['isin_runs{status="dead"}'] == 0
