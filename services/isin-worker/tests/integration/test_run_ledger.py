"""The ledger of runs: whoever rings, however often, wherever a worker dies, a date is done once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import asyncpg
import httpx
import pytest
import structlog

from isin_worker.errors import DateNotAvailable, UnknownFeed
from isin_worker.models import Run
from isin_worker.reconcile import Reconciler
from isin_worker.states import Status
from isin_worker.testing import Publisher, eventually, make_isin, make_list, make_row

pytestmark = pytest.mark.integration

FEED = "nse-equity"
Open = Callable[..., Awaitable[Reconciler]]


async def only_run(reconciler: Reconciler) -> Run:
    (visit,) = await reconciler.reconcile()
    return visit.run


async def abandon(db: asyncpg.Connection) -> None:
    """Let the lease of what runs be over, as if its worker had been gone for a while."""
    await db.execute("UPDATE run SET lease_expires_at = now() - interval '1 second' WHERE status = 'running'")


async def try_again_now(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE run SET next_try_at = now() WHERE status = 'failed'")


async def test_fifty_rings_at_once_do_the_date_once(
    open_reconcilers: Open, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list(make_row(number) for number in range(100))
    reconcilers = [await open_reconcilers(database_pool_size=5) for _ in range(5)]
    visits = await asyncio.gather(*(reconciler.reconcile() for reconciler in reconcilers * 10))
    assert sum(visit.worked for visited in visits for visit in visited) == 1
    assert len(publisher.requests) == 1
    assert [tuple(row) for row in await db.fetch("SELECT status, attempts, added FROM run")] == [("succeeded", 1, 100)]
    assert await db.fetchval("SELECT count(*) FROM isin_change") == 100


async def test_a_date_that_is_done_is_left_alone(reconciler: Reconciler, publisher: Publisher) -> None:
    publisher.content = make_list([make_row(1)])
    (first,), (second,) = await reconciler.reconcile(), await reconciler.reconcile()
    assert (first.worked, second.worked) == (True, False)
    assert first.run == second.run
    assert len(publisher.requests) == 1


async def test_a_lease_that_ended_is_taken_over_and_its_first_owner_publishes_nothing(
    reconciler: Reconciler, open_reconcilers: Open, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1, "Of the first")]), asyncio.Event()
    slow = asyncio.create_task(reconciler.reconcile())
    await publisher.waiting.wait()
    first_answer, publisher.held = publisher.held, None
    await abandon(db)
    publisher.content = make_list([make_row(1, "Of the second")])
    (visit,) = await (await open_reconcilers()).reconcile()
    assert (visit.run.status, visit.run.attempts, visit.worked) == (Status.SUCCEEDED, 2, True)
    first_answer.set()
    (late,) = await slow
    assert late.run == visit.run
    assert [row["name"] for row in await db.fetch("SELECT name FROM listing")] == ["Of the second"]
    assert await db.fetchval("SELECT count(*) FROM isin_change") == 1


async def test_the_heartbeat_keeps_a_long_run_its_owners(
    open_reconcilers: Open, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    slow = asyncio.create_task((await open_reconcilers(lease_seconds=1)).reconcile())
    await publisher.waiting.wait()
    first = await db.fetchval("SELECT lease_expires_at FROM run")

    async def renewed_past_the_first_lease() -> bool:
        return bool(await db.fetchval("SELECT now() > $1 AND lease_expires_at > now() FROM run", first))

    await eventually(renewed_past_the_first_lease)
    (seen,) = await reconciler.reconcile()
    assert (seen.worked, seen.run.status) == (False, Status.RUNNING)
    publisher.held.set()
    (visit,) = await slow
    assert (visit.run.status, visit.run.attempts) == (Status.SUCCEEDED, 1)


async def test_an_owner_that_lost_its_lease_stops_working(
    open_reconcilers: Open, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    slow = asyncio.create_task((await open_reconcilers(lease_seconds=1)).reconcile())
    await publisher.waiting.wait()
    await db.execute("UPDATE run SET owner = gen_random_uuid(), lease_expires_at = now() + interval '1 hour'")
    (visit,) = await slow  # although the publisher never ends its answer
    assert (visit.run.status, visit.worked) == (Status.RUNNING, True)
    assert await db.fetchval("SELECT count(*) FROM listing") == 0


async def test_a_worker_that_is_stopped_gives_its_run_back_at_once(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    stopped = asyncio.create_task(reconciler.reconcile())
    await publisher.waiting.wait()
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    row = await db.fetchrow("SELECT status, attempts, owner, lease_expires_at FROM run")
    assert row is not None
    assert tuple(row) == ("pending", 0, None, None)
    publisher.held = None
    assert (await only_run(reconciler)).status == Status.SUCCEEDED


async def test_a_failed_run_waits_longer_each_time_and_is_dead_after_the_last_attempt(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.status = 503
    waits = []
    for attempt in (1, 2):
        run = await only_run(reconciler)
        assert (run.status, run.attempts, run.error) == (Status.FAILED, attempt, "the publisher answered 503")
        assert run.finished_at is not None
        waits.append(run.next_try_at - run.finished_at)
        assert await only_run(reconciler) == run  # too early: nothing is done
        await try_again_now(db)
    assert waits == [timedelta(hours=1), timedelta(hours=2)]
    run = await only_run(reconciler)
    assert (run.status, run.attempts) == (Status.DEAD, 3)
    assert await only_run(reconciler) == run
    assert len(publisher.requests) == 3


async def test_a_dead_run_is_an_error_in_the_log_and_an_alert_on_its_feed_until_a_list_is_published(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, as_user: Callable[..., httpx.AsyncClient]
) -> None:
    publisher.status = 503
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            run = await only_run(reconciler)
            await try_again_now(db)
    told = [(entry["event"], entry["log_level"]) for entry in logged if entry["event"] in {"run.failed", "run.dead"}]
    assert told == [("run.failed", "warning"), ("run.failed", "warning"), ("run.dead", "error")]
    user = as_user()
    (alert,) = (await user.get(f"/api/v1/feeds/{FEED}")).json()["alerts"]
    assert (alert["run_id"], alert["status"], alert["error"]) == (str(run.id), "dead", "the publisher answered 503")
    publisher.status, publisher.content = 200, make_list([make_row(1)])
    await reconciler.reconcile(force=True)
    assert (await user.get(f"/api/v1/feeds/{FEED}")).json()["alerts"] == []


async def test_a_failed_run_that_succeeds_in_the_end_shows_no_error(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.status = 503
    await only_run(reconciler)
    await try_again_now(db)
    publisher.status, publisher.content = 200, make_list([make_row(1)])
    run = await only_run(reconciler)
    assert (run.status, run.attempts, run.error) == (Status.SUCCEEDED, 2, None)


async def test_a_list_that_kills_its_worker_each_time_is_given_up(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    run = await only_run(reconciler)
    await db.execute(
        "UPDATE run SET status = 'running', attempts = 3, owner = gen_random_uuid(), lease_expires_at = now()"
    )
    run = await only_run(reconciler)
    assert run.status == Status.DEAD
    assert run.error == "the worker was lost in each of the last attempts, 3 at most are made"


async def test_a_day_that_passed_unfinished_is_closed_because_its_list_is_gone(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.status = 503
    missed = await only_run(reconciler)
    await db.execute("UPDATE run SET business_date = business_date - 1")
    publisher.status, publisher.content = 200, make_list([make_row(1)])
    assert (await only_run(reconciler)).status == Status.SUCCEEDED
    row = await db.fetchrow("SELECT status, error FROM run WHERE id = $1", missed.id)
    assert row is not None
    assert tuple(row) == (
        "dead", "the day passed, and the publisher shows this list no more; the publisher answered 503",
    )  # fmt: skip


async def test_an_older_list_never_replaces_a_newer_one(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    await only_run(reconciler)
    today = await db.fetchval("UPDATE publication SET business_date = business_date + 1 RETURNING business_date - 1")
    await db.execute("UPDATE run SET business_date = business_date + 1")
    publisher.content = make_list([make_row(2)])
    (visit,) = await reconciler.reconcile(day=today)
    run = visit.run
    assert run.status == Status.DEAD
    assert run.error is not None
    assert run.error.endswith("is published already")
    assert [row["isin"] for row in await db.fetch("SELECT isin FROM listing")] == [make_isin(1)]


async def test_a_list_that_was_asked_for_before_its_hour_leaves_nothing_of_the_day_before_to_do(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    run = await only_run(reconciler)
    await db.execute("UPDATE run SET business_date = business_date + 1")
    await db.execute("UPDATE publication SET business_date = business_date + 1")
    (visit,) = await reconciler.reconcile()
    assert (visit.run.id, visit.worked) == (run.id, False)
    assert await db.fetchval("SELECT count(*) FROM run") == 1


async def test_dates_whose_list_is_not_to_be_had_are_refused(reconciler: Reconciler, db: asyncpg.Connection) -> None:
    for day in (date(2020, 1, 1), date(2099, 1, 1)):
        with pytest.raises(DateNotAvailable):
            await reconciler.reconcile(day=day)
    assert await db.fetchval("SELECT count(*) FROM run") == 0


async def test_a_feed_that_is_not_there_is_refused_with_those_that_are(reconciler: Reconciler) -> None:
    with pytest.raises(UnknownFeed, match=FEED):
        await reconciler.reconcile(feed="nothing")


async def test_a_date_that_was_done_may_be_asked_for_for_ever(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    await only_run(reconciler)
    await db.execute("UPDATE run SET business_date = '2020-01-01'")
    (visit,) = await reconciler.reconcile(day=date(2020, 1, 1))
    assert (visit.run.status, visit.worked) == (Status.SUCCEEDED, False)
