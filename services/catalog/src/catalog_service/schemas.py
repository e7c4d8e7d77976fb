"""What the catalogue takes and answers."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
)
from pydantic_core import PydanticCustomError

from extractor import package_name
from servicekit.pagination import CursorParam, Limit
from servicekit.schemas import MAX_INT64, Input, Output, Page, Points, Text

Status: TypeAlias = Literal["draft", "published", "archived"]
ImportFormat: TypeAlias = Literal["fdroid-index-v2", "csv"]
Sort: TypeAlias = Literal["-points", "points", "name", "-created_at", "relevance"]

PackageName = Annotated[
    str,
    Field(
        max_length=2048,
        description="An Android package name, case kept, or a link to the app's page in the Play Store",
        examples=["org.example.Reader"],
    ),
    AfterValidator(package_name),
]
AppName = Annotated[str, Field(min_length=1, max_length=200)]
Summary = Annotated[str, Field(max_length=500)]
Description = Annotated[str, Field(max_length=20_000)]
CategoryName = Annotated[str, Field(min_length=1, max_length=100)]
Place = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Locale = Annotated[
    str,
    Field(
        pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,
        description="A language tag (BCP 47)",
        examples=["de", "pt-BR"],
    ),
]
Slug = Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
MoreCategories = Annotated[
    list[Slug],
    Field(max_length=20, description="Slugs of further categories of either level in which the app is listed, too"),
    AfterValidator(lambda slugs: sorted(set(slugs))),
]
MaxCompletions = Annotated[int, Field(strict=True, ge=1, le=MAX_INT64)]


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_out(value: object) -> object:
    # Pydantic takes numbers, too, and would have to guess whether they are seconds or milliseconds.
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("not a moment as RFC 3339 writes it, with its offset from UTC")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]

_APP: dict[str, JsonValue] = {
    "package_name": "org.example.Reader",
    "name": "Reader",
    "summary": "Reads aloud",
    "description": "Opens a text and reads it aloud. Install it and open any text.",
    "category": "productivity",
    "subcategory": "office",
    "points": 250,
    "max_completions": 1000,
}


class AppCreate(Input):
    """A new app: its package name, or its page in the Play Store, either of them in either field."""

    model_config = ConfigDict(json_schema_extra={"examples": [_APP]})

    store_url: PackageName | None = Field(
        default=None,
        description="Instead of `package_name`: the app's page in the Play Store",
        examples=["https://play.google.com/store/apps/details?id=org.example.Reader"],
    )
    # Stands below store_url, as a validator sees the fields above its own only.
    package_name: PackageName | None = Field(default=None, validate_default=True)
    name: AppName
    summary: Summary = ""
    description: Description = ""
    locale: Locale = Field(default="en", description="The language of name, summary and description")
    category: Slug = Field(default="other", description="The slug of a category of the upper level")
    subcategory: Slug | None = Field(default=None, description="The slug of one of its children")
    more_categories: MoreCategories = Field(default_factory=list)
    points: Points
    max_completions: MaxCompletions | None = Field(default=None, description="null: no limit")
    max_completions_per_day: MaxCompletions | None = Field(default=None, description="null: no limit")
    available_from: Moment | None = Field(default=None, description="Offered from this moment on; null: at once")
    available_until: Moment | None = Field(default=None, description="Offered until this moment; null: for good")

    @field_validator("package_name")
    @classmethod
    def _one_of_two(cls, name: str | None, info: Any) -> str | None:
        link = info.data.get("store_url")
        if name is not None and link is not None:
            raise ValueError("give package_name or store_url, not both")
        if name is None and link is None and "store_url" in info.data:
            raise PydanticCustomError("missing", "package_name or store_url is required")
        return name or link


def _absent() -> Any:
    """The value of a field that was not sent: never validated and never read (see ``AppPatch.sent``)."""


class AppPatch(Input):
    """The fields to change; those that are not sent stay as they are. The package name never changes.

    A new category takes the subcategory away unless one of its own is sent too.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"points": 300, "summary": "Reads aloud, also offline"}]})

    name: AppName = Field(default_factory=_absent)
    summary: Summary = Field(default_factory=_absent)
    description: Description = Field(default_factory=_absent)
    locale: Locale = Field(default_factory=_absent)
    category: Slug = Field(default_factory=_absent)
    subcategory: Slug | None = Field(default_factory=_absent)
    more_categories: MoreCategories = Field(default_factory=_absent)
    points: Points = Field(default_factory=_absent)
    max_completions: MaxCompletions | None = Field(default_factory=_absent)
    max_completions_per_day: MaxCompletions | None = Field(default_factory=_absent)
    available_from: Moment | None = Field(default_factory=_absent)
    available_until: Moment | None = Field(default_factory=_absent)

    def sent(self) -> dict[str, Any]:
        """What the client sent, by field."""
        return self.model_dump(exclude_unset=True)


class AppOut(Output):
    """An app. Its points are what a task started now is worth."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c4d",
                    **_APP,
                    "store_url": "https://play.google.com/store/apps/details?id=org.example.Reader",
                    "icon_url": None,
                    "status": "published",
                    "created_at": "2026-03-01T09:30:00Z",
                    "updated_at": "2026-03-02T10:00:00Z",
                    "max_completions_per_day": 50,
                    "available_from": None,
                    "more_categories": ["education"],
                    "locale": "en",
                    "available_until": "2026-12-31T23:00:00Z",
                }
            ]
        }
    )

    id: UUID
    package_name: str
    name: str
    summary: str
    description: str
    store_url: str
    icon_url: str | None = Field(default=None, description="null: the app has no icon")
    category: str
    subcategory: str | None
    points: int
    status: Status
    max_completions: int | None
    created_at: datetime
    updated_at: datetime
    max_completions_per_day: int | None
    available_from: datetime | None
    available_until: datetime | None
    more_categories: list[str]
    locale: str


class CategoryCount(Output):
    """How many apps the list would show with this category. The slug is of either level."""

    category: str
    name: str
    count: int


class Facets(Output):
    """Counts over the whole list, whatever the page; the filter `category` is left out of them."""

    categories: list[CategoryCount]


class AppPage(Page[AppOut]):
    """A page of apps, with `facets` if they were asked for, and `corrected_q` if `q` was misspelt."""

    facets: Facets | None = None
    corrected_q: str | None = Field(default=None, description="What was looked for, as nothing is spelt like `q`")


class PriceOut(Output):
    """What an app was worth from a moment on. `previous_points` is null for the first price."""

    points: int
    previous_points: int | None
    changed_by: UUID
    changed_at: datetime


class ChangeOut(Output):
    """Something that an administrator did: `fields` has what it was before and after.

    `action` says what `subject_id` is of: `...-category` a category, `run-import` an import, all others an app.
    """

    subject_id: UUID
    action: str
    fields: dict[str, Any] = Field(examples=[{"points": [250, 300]}])
    changed_by: UUID
    changed_at: datetime


class AppQuery(BaseModel):
    """Which apps, in which order."""

    q: Text | None = Field(
        default=None,
        max_length=200,
        description="Words of the name, the summary, the package name or a category, in any order; beginnings of words"
        " are enough. Texts in the languages of `Accept-Language` are looked through, too",
    )
    category: Slug | None = Field(default=None, description="The slug of a category or of a subcategory")
    min_points: int | None = Field(default=None, ge=0, le=MAX_INT64)
    max_points: int | None = Field(default=None, ge=0, le=MAX_INT64)
    status: Status | None = Field(default=None, description="For administrators; everybody else sees what is published")
    sort: Sort = Field(
        default="-points", description="`name` does not look at the case of letters; `relevance` needs `q`"
    )
    facets: bool = Field(default=False, description="Count what each category has for the other filters, too")
    limit: Limit = 50
    cursor: CursorParam = None


class SubcategoryOut(Output):
    """A category of the lower level."""

    id: UUID
    slug: str
    name: str


class CategoryOut(SubcategoryOut):
    """A category of the upper level with its children."""

    children: list[SubcategoryOut]


class ChangesOut(Page[AppOut]):
    """Apps as they are now, in the order of their last change; those with `status: archived` are gone from the list.

    `next_cursor` is there while more can be had at once. `since` is to be sent the next time.
    """

    since: str


class CategoryCreate(Input):
    """A new category: of the upper level, or a child of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slug": "radio", "name": "Radio", "parent": "travel"}]})

    slug: Slug = Field(description="Stands in addresses and never changes")
    name: CategoryName
    parent: Slug | None = Field(default=None, description="The slug of a category of the upper level")
    position: Place = Field(default=0, description="Siblings are shown by position, then by slug")


class CategoryPatch(Input):
    """The fields to change; those that are not sent stay as they are. The slug and the parent never change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Radio and streams"}]})

    name: CategoryName = Field(default_factory=_absent)
    position: Place = Field(default_factory=_absent)


class CategoryNode(SubcategoryOut):
    """A category of either level by itself."""

    parent: str | None = Field(description="The slug of the category above it; null: it is of the upper level")
    position: int


class TranslationIn(Input):
    """The texts of an app in one more language."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Leser", "summary": "Liest vor"}]})

    name: AppName
    summary: Summary = ""
    description: Description = ""


class TranslationOut(Output):
    """The texts of an app in one more language."""

    locale: str
    name: str
    summary: str
    description: str


class ImportFault(Output):
    """A row that was left out, and why. Rows are counted from 1; those of a CSV without its header."""

    row: int
    package_name: str | None
    detail: str


class ImportOut(Output):
    """How far an import is, or what came of it. Until it has succeeded it has changed nothing."""

    id: UUID
    format: ImportFormat
    dry_run: bool
    status: Literal["running", "succeeded", "failed"]
    total: int = Field(description="Rows read so far")
    created: int
    updated: int
    unchanged: int
    rejected: int
    errors: list[ImportFault] = Field(description="The first thousand of the rejected rows")
    detail: str | None = Field(description="Why it failed")
    created_by: UUID
    created_at: datetime
    finished_at: datetime | None
