"""The daily lists: how fresh they are, what their runs did, and what waits for an administrator."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from web import charts
from web.api import ApiProblem
from web.api.feeds import Feed, Run
from web.forms import CheckedForm
from web.problem_words import Trouble, words_of
from web.texts import text
from web.together import together
from web.visits import AdminVisit, SignedInVisit, Visit

DAYS_IN_A_CHART = 14
ANSWERS = ("release", "drop")  # to a run that a gate holds
FeedName = Annotated[str, Path(pattern="^[A-Za-z0-9._-]{1,100}$")]
router = APIRouter(prefix="/feeds")


@router.get("")
async def feeds(visit: SignedInVisit) -> Response:
    """Every list at a glance, with the last two weeks of its changes."""
    listed = await visit.api.feeds.all()
    runs = await together(*(visit.api.feeds.runs(feed.name, {"limit": DAYS_IN_A_CHART}) for feed in listed))
    drawn = [_Drawn(feed, page.items) for feed, page in zip(listed, runs, strict=True)]
    return visit.page("feeds.html", feeds=drawn, states=("fresh", "late", "stale"))


@router.get("/{name}")
async def feed(visit: SignedInVisit, name: FeedName, cursor: str = "") -> Response:
    """One list with its runs."""
    return await _feed_page(visit, name, cursor=cursor)


@router.post("/{name}/runs")
async def start(visit: AdminVisit, name: FeedName, form: CheckedForm) -> Response:
    """Ask for a run, of the newest date that is due or of another one."""
    wanted = {**form.given("business_date"), "force": "force" in form}
    try:
        run = await visit.api.feeds.start(name, wanted)
    except ApiProblem as problem:
        if problem.status not in {409, 422}:
            raise
        trouble = Trouble(words_of(problem))
        return await _feed_page(visit, name, status=problem.status, trouble=trouble, form=form)
    where = f"/feeds/{name}/runs/{run.id}"
    if run.status in {"pending", "running", "failed"}:
        return visit.redirect(where, notice="run-asked-for")
    return visit.redirect(where, notice="run-there")


@router.get("/{name}/runs/{run_id}")
async def run(visit: SignedInVisit, name: FeedName, run_id: UUID, confirm: str = "", cursor: str = "") -> Response:
    """One run: what it did, why it is held, which rows it put aside."""
    return await _run_page(visit, name, run_id, confirm=confirm if confirm in ANSWERS else "", cursor=cursor)


@router.post("/{name}/runs/{run_id}/release")
async def release(visit: AdminVisit, name: FeedName, run_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - asked for its check
    """Publish what a gate holds."""
    try:
        await visit.api.feeds.release(name, run_id)
    except ApiProblem as problem:
        return await _not_held(visit, name, run_id, problem)
    return visit.redirect(f"/feeds/{name}/runs/{run_id}", notice="run-released")


@router.post("/{name}/runs/{run_id}/drop")
async def drop(visit: AdminVisit, name: FeedName, run_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - asked for its check
    """Settle that it will not be published."""
    try:
        await visit.api.feeds.drop(name, run_id)
    except ApiProblem as problem:
        return await _not_held(visit, name, run_id, problem)
    return visit.redirect(f"/feeds/{name}/runs/{run_id}", notice="run-dropped")


async def _not_held(visit: Visit, name: str, run_id: UUID, problem: ApiProblem) -> Response:
    if problem.status != 409:
        raise problem
    return await _run_page(visit, name, run_id, status=409, trouble=Trouble(words_of(problem)))


class _Drawn:
    """A list with its charts."""

    def __init__(self, feed: Feed, runs: Sequence[Run]) -> None:
        self.feed = feed
        self.runs = runs
        done = [run for run in reversed(runs) if run.rows is not None and run.added is not None][-DAYS_IN_A_CHART:]
        self.changes = _chart(("added", "changed", "removed"), done)
        self.rows = _chart(("rows",), done)


def _chart(names: Sequence[str], runs: Sequence[Run]) -> charts.Chart | None:
    """Columns by day, or None when there is nothing to draw."""
    if not runs:
        return None
    series = [text(f"run.{name}") for name in names]
    rows = [charts.Row(_day(run.business_date), [getattr(run, name) or 0 for name in names]) for run in runs]
    return charts.columns(series, rows, width=560, height=180)


def _day(day: date) -> str:
    return day.strftime("%-d %b")


async def _feed_page(visit: Visit, name: str, *, status: int = 200, cursor: str = "", **values: Any) -> Response:
    found, listed = await together(
        visit.api.feeds.one(name), visit.api.feeds.runs(name, {"cursor": cursor, "limit": 30})
    )
    shown: dict[str, Any] = {"trouble": None, "form": {}, **values}
    return visit.page(
        "feed.html", status=status, drawn=_Drawn(found, listed.items), next_cursor=listed.next_cursor, cursor=cursor,
        **shown,
    )  # fmt: skip


async def _run_page(
    visit: Visit, name: str, run_id: UUID, *, status: int = 200, cursor: str = "", confirm: str = "", **values: Any
) -> Response:
    found_feed, found = await together(visit.api.feeds.one(name), visit.api.feeds.run(name, run_id))
    refused = None
    if visit.has_role("admin") and found.quarantined:
        refused = await visit.api.feeds.refused(name, run_id, {"cursor": cursor, "limit": 50})
    shown: dict[str, Any] = {"trouble": None, **values}
    return visit.page(
        "feed_run.html", status=status, feed=found_feed, run=found, refused=refused, cursor=cursor, confirm=confirm,
        **shown,
    )  # fmt: skip
