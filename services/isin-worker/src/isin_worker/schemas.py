"""What the API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AliasChoices, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from isin_worker.isin import Reason
from isin_worker.schedule import Freshness
from isin_worker.states import Gate, Kind, Status, Trigger
from servicekit.schemas import Input, Output, Page, Text

MAX_ISINS = 10_000
_RUN_EXAMPLE: JsonDict = {
    "id": "019a9f3e-5c1a-7c3e-9a44-0c5b1f1e2d3c",
    "feed": "nse-equity",
    "status": "succeeded",
    "business_date": "2026-11-21",
    "trigger": "schedule",
    "attempts": 1,
    "bytes": 168211,
    "rows": 2384,
    "valid": 2383,
    "added": 3,
    "changed": 1,
    "removed": 2,
    "unchanged": 2379,
    "quarantined": 1,
    "created_at": "2026-11-21T02:00:00.123456Z",
    "started_at": "2026-11-21T02:00:00.130000Z",
    "finished_at": "2026-11-21T02:00:01.250000Z",
    "next_try_at": None,
    "error": None,
    "url": "https://nsearchives.nseindia.com/content/equities/EQUITY_L.csv",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "etag": '"5f1c-65a2b"',
    "last_modified": "Fri, 20 Nov 2026 22:31:07 GMT",
    "version": None,
    "parser": "3f9a1c0b7d2e4f65",
    "gate": None,
}


class FeedSighting(Output):
    """An ISIN on one list."""

    feed: str
    status: Literal["listed", "removed"]
    first_seen: date = Field(description="The first business date on which the list had it")
    last_seen: date = Field(description="The newest one; for an ISIN that stands there, that of the last good run")
    venues: list[str] = Field(description="Where it is traded (ISO 10383), if the list says it: those that stand first")
    details: dict[str, str] = Field(description="What only this list says")


class InstrumentOut(Output):
    """What the lists say of one ISIN. Where they differ, those that still have it go first, in the feeds' order."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "isin": "INE002A01018",
                "valid": True,
                "country": "IN",
                "name": "Reliance Industries Limited",
                "type": "equity",
                "currency": "INR",
                "lei": None,
                "status": "active",
                "feeds": [
                    {
                        "feed": "nse-equity",
                        "status": "listed",
                        "first_seen": "2026-11-02",
                        "last_seen": "2026-11-21",
                        "venues": [],
                        "details": {"symbol": "RELIANCE", "series": "EQ"},
                    }
                ],
            }
        },
    )

    isin: str
    valid: bool = Field(description="Whether the check digit is right; always so for what is published here")
    country: str = Field(description="The prefix: mostly a country (ISO 3166), also XS, EU, EZ and others")
    name: str | None
    type: str | None
    currency: str | None
    lei: str | None
    status: Literal["active", "removed"] = Field(description="`removed` when no list has it any more")
    feeds: list[FeedSighting]


class InstrumentPage(Page[InstrumentOut]):
    """A page of ISINs, in their own order."""


class ChangeOut(Output):
    """Something that a run did to an ISIN on a list."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "run_id": "019a9f3e-5c1a-7c3e-9a44-0c5b1f1e2d3c",
                "feed": "nse-equity",
                "business_date": "2026-11-21",
                "isin": "INE002A01018",
                "venue": "",
                "kind": "changed",
                "at": "2026-11-21T02:00:01.250000Z",
                "old": {"name": "Reliance Limited"},
                "new": {"name": "Reliance Industries Limited"},
            }
        },
    )

    run_id: UUID
    feed: str
    business_date: date
    isin: str
    venue: str = Field(description="The venue whose listing it is, or empty where the list does not tell them apart")
    kind: Kind
    at: datetime
    old: dict[str, Any] | None = Field(description="What the list said before; null for what is added")
    new: dict[str, Any] | None = Field(description="What it says now; null for what is removed")


class ChangesPage(Page[ChangeOut]):
    """Changes, run by run, in the order in which they were published.

    `next_cursor` is there while more can be had at once. `since` is to be sent the next time.
    """

    since: str


class ValidateIn(Input):
    """ISINs to check."""

    isins: Annotated[
        list[Text],
        Field(
            max_length=MAX_ISINS,
            examples=[["US0378331005", "US0378331004"]],
            description="Upper case, as ISO 6166 has it",
        ),
    ]


class VerdictOut(Output):
    """Whether a text is an ISIN. ``expected_check_digit`` is there as soon as the first 11 characters are in order."""

    isin: str
    valid: bool
    reason: Reason | None = Field(description="`length`, `characters` or `check-digit`; null for an ISIN")
    expected_check_digit: int | None


class VerdictsOut(Output):
    """One verdict for each text, in the order asked."""

    items: list[VerdictOut]


class FoundOut(Output):
    """Something of the shape of an ISIN in a text."""

    isin: str
    offset: int = Field(description="Characters before it")
    valid: bool = Field(description="Whether the check digit is right")
    known: bool = Field(description="Whether a list here has or had it")


class FoundListOut(Output):
    """What was found, in the order of the text."""

    items: list[FoundOut]


class AlertOut(Output):
    """A run that will not go on by itself."""

    model_config = ConfigDict(from_attributes=True)

    run_id: UUID = Field(validation_alias=AliasChoices("run_id", "id"))
    business_date: date
    status: Literal["held", "dead"]
    error: str | None


class FeedOut(Output):
    """A feed and how it stands."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "name": "nse-equity",
                "title": "NSE India, listed equities",
                "url": "https://nsearchives.nseindia.com/content/equities/EQUITY_L.csv",
                "terms": "https://www.nseindia.com/static/nse-terms-of-use",
                "schedule": "daily 02:00 UTC",
                "business_date": "2026-11-21",
                "last_success_at": "2026-11-21T02:00:01.250000Z",
                "next_run_at": "2026-11-22T02:00:00Z",
                "freshness": "fresh",
                "rows": 2383,
                "alerts": [],
            }
        },
    )

    name: str
    title: str
    url: str
    terms: str | None = Field(description="Where its publisher says what may be done with it: read this first")
    schedule: str
    business_date: date | None = Field(description="That of the list which stands")
    last_success_at: datetime | None
    next_run_at: datetime = Field(description="In the past when a run is due and not done")
    freshness: Freshness = Field(
        description="`fresh`: what is due stands (2 hours of grace); `late`: one list is missing; `stale`: more, or all"
    )
    rows: int = Field(description="Listings on the list which stands")
    alerts: list[AlertOut] = Field(description="Runs behind that list which wait for an administrator, newest first")


class FeedPage(Page[FeedOut]):
    """All feeds: they are few, so there is one page."""


class RunIn(Input):
    """Which run to ask for."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{}, {"force": True}]}
    )

    business_date: date | None = Field(default=None, description="Default: the newest that is due")
    force: bool = Field(default=False, description="Do it again although it succeeded, and compare every row")


class HoldOut(Output):
    """A gate that a list did not pass."""

    gate: Gate
    detail: str
    value: float | None = Field(description="What was measured; a share of the list for most gates")
    limit: float | None = Field(description="What is allowed")


class RunOut(Output):
    """A run: the work of one business date of one feed. Counts are null until they are known."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": _RUN_EXAMPLE})

    id: UUID
    feed: str
    status: Status = Field(
        description="`failed` will be tried again after `next_try_at`, `dead` will not; `held` waits to be released or"
        " dropped, see `gate`"
    )
    business_date: date
    trigger: Trigger
    attempts: int
    bytes: int | None = Field(description="Downloaded; 0 when the publisher said that nothing has changed")
    rows: int | None = Field(description="Rows of the list: those that are valid and those in quarantine")
    valid: int | None = Field(description="Published ISINs: added, changed and unchanged ones")
    added: int | None
    changed: int | None
    removed: int | None
    unchanged: int | None
    quarantined: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_try_at: datetime | None = Field(description="When it is tried next; null unless it waits")
    error: str | None
    url: str | None
    sha256: str | None
    etag: str | None
    last_modified: str | None
    version: str | None = Field(description="What the publisher calls the list")
    parser: str | None = Field(description="Of the declaration and the reader that made rows of the bytes")
    gate: list[HoldOut] | None = Field(description="Why the list is held, or was")

    @model_validator(mode="after")
    def _next_try_only_while_waiting(self) -> Self:
        if self.status not in {Status.PENDING, Status.FAILED}:
            self.next_try_at = None
        return self


class RefusedOut(Output):
    """A row that was not published."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "row_number": 17,
                "reason": "the check digit should be 8",
                "raw": "RELIANCE,Reliance Industries Limited,EQ,29-NOV-1995,10,1,INE002A01010,10",
            }
        },
    )

    row_number: int = Field(description="The line of the file on which it ends, or its record; 0 if it is not known")
    reason: str
    raw: str = Field(description="The row, cut after 500 characters")


class RefusedPage(Page[RefusedOut]):
    """A page of refused rows, in the list's order. Of a run the first thousand are kept; `quarantined` counts all."""


class RunPage(Page[RunOut]):
    """A page of runs, the newest business date first."""
