"""What the REST API answers, as far as the pages show it. Unknown fields are ignored: the API may grow."""

from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Answer(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Listed(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = None


class TokenPair(Answer):
    """What signing in and refreshing give."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn(Answer):
    """The answer to a right password: tokens, or the wish for a second factor."""

    mfa_required: bool = False
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int = 0


class Account(Answer):
    """The signed-in person."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    roles: list[str]


class Subcategory(Answer):
    """A category of the lower level."""

    slug: str
    name: str


class Category(Subcategory):
    """A category of the upper level with its children."""

    children: list[Subcategory]


class App(Answer):
    """An app of the catalogue."""

    id: UUID
    package_name: str
    name: str
    summary: str
    description: str
    store_url: str | None
    icon_url: str | None
    category: str
    subcategory: str | None
    points: int
    status: str
    max_completions: int | None
    updated_at: datetime


class Rejection(Answer):
    """Why a proof was not accepted."""

    reason_code: str
    note: str | None


class Proof(Answer):
    """An uploaded screenshot."""

    id: UUID
    attempt: int
    width: int
    height: int
    created_at: datetime


class Task(Answer):
    """One person's work on one app."""

    id: UUID
    app_id: UUID
    app_name: str
    package_name: str
    points: int
    status: str
    attempts_left: int
    last_rejection: Rejection | None
    proof_id: UUID | None  # the newest
    expires_at: datetime
    created_at: datetime


class Balance(Answer):
    """A person's points."""

    balance: int
    pending: int
    lifetime_earned: int


class Entry(Answer):
    """One line of the statement."""

    kind: str
    description: str
    points: int
    balance_after: int
    task_id: UUID | None
    created_at: datetime


class Record(Answer):
    """How a person's proofs fared until now."""

    approved: int
    rejected: int


class Hints(Answer):
    """How many other proofs came as the same file, or as the same pixels."""

    same_file: int
    same_pixels: int


class Holder(Answer):
    """Who holds a task at the moment."""

    reviewer_id: UUID
    expires_at: datetime


class Review(Answer):
    """One entry of the review queue."""

    task: Task
    proof: Proof
    record: Record
    hints: Hints
    lease: Holder | None


class Sighting(Answer):
    """An ISIN on one list."""

    feed: str
    status: str
    first_seen: date
    last_seen: date


class Isin(Answer):
    """What is known about one security."""

    isin: str
    country: str
    name: str | None
    type: str | None
    currency: str | None
    lei: str | None
    status: str
    feeds: list[Sighting]


class Feed(Answer):
    """A daily list, and how fresh it is."""

    name: str
    title: str
    schedule: str
    last_success_at: datetime | None
    next_run_at: datetime
    freshness: str
    rows: int
