"""What the command says of a reconciliation: a line or a record for each run, and an exit code."""

from collections.abc import Sequence

from isin_worker.models import Run
from isin_worker.reconcile import Visit
from isin_worker.schemas import FeedOut, RunOut
from isin_worker.states import Status

DONE, FAILED, LEASED = 0, 1, 75


def line(visit: Visit) -> str:
    """The run of a reconciliation, for people."""
    return run_line(visit.run, before=not visit.worked)


def run_line(run: Run | RunOut, *, before: bool = False) -> str:
    """A run, for people; one that was done ``before`` this call says so."""
    start = f"{run.feed} {run.business_date} {run.status}"
    if run.status == Status.SUCCEEDED:
        return f"{start}{' before' if before else ''}: {_counts(run)}"
    if run.status == Status.HELD:
        return f"{start}: {run.error}; yesterday's list stands until an administrator decides"
    if run.status == Status.RUNNING:
        return f"{start}: somebody else is at it"
    if run.status == Status.FAILED:
        return f"{start}: {run.error}; next try after {run.next_try_at:%H:%M:%S} UTC (attempt {run.attempts} was made)"
    return f"{start}: {run.error}" if run.error else start


def record(visit: Visit) -> str:
    """The run as JSON, with the fields of the API."""
    return RunOut.model_validate(visit.run).model_dump_json()


def exit_code(visits: Sequence[Visit]) -> int:
    """0 when all runs are done, 1 when one failed, 75 when one is somebody else's."""
    statuses = {visit.run.status for visit in visits}
    if statuses & {Status.FAILED, Status.DEAD, Status.HELD}:
        return FAILED
    return LEASED if statuses - {Status.SUCCEEDED, Status.DROPPED} else DONE


def feed_line(feed: FeedOut) -> str:
    """A feed, for people."""
    stands = f"{feed.rows} rows of {feed.business_date}" if feed.business_date else "nothing yet"
    waiting = "".join(f"; {alert.business_date} is {alert.status}: {alert.error}" for alert in feed.alerts)
    return f"{feed.name} {feed.freshness}: {stands}, next run {feed.next_run_at:%Y-%m-%d %H:%M} UTC{waiting}"


def _counts(run: Run | RunOut) -> str:
    counted = ("rows", "valid", "added", "changed", "removed", "unchanged", "quarantined")
    return ", ".join(f"{getattr(run, name)} {name}" for name in counted)
