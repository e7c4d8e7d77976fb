"""Feeds that are written down in a file instead of in code: any list at an address, or behind a link on a page.

The file is TOML, a table for each feed by its name. ``presets.toml`` beside this module is one, and shows every key.
"""

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from isin_worker.feeds.feed import BROWSER, MEBIBYTE, Feed
from isin_worker.feeds.formats import Csv, Format, Json, Xlsx, Xml
from isin_worker.feeds.gate_limits import GateLimits
from isin_worker.feeds.page_link import PageLink
from isin_worker.feeds.source import FixedUrl

FIELDS = {"isin", "name", "type", "currency", "lei"}


_LIMITS = GateLimits()
_KEY = re.compile(r"\s*(?:\[(?P<table>[^\[\]]+)\]|(?P<name>[\w.\"'-]+)\s*=)")


class WrongFeeds(ValueError):
    """The file does not declare feeds: where it is wrong, in a line each."""


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a feed's address starts with http:// or https://")
    if parts.username is not None:
        raise ValueError("no password in a feed's address: every run shows where its list came from")
    return url


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("there is no encoding of this name") from None


def _pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _counting_pattern(pattern: str) -> str:
    if re.compile(_pattern(pattern)).groups != 1:
        raise ValueError("it has one group, for the number of rows")
    return pattern


Address = Annotated[str, AfterValidator(_address)]
FeedName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
Counting = Annotated[str, AfterValidator(_counting_pattern)]
Place = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Csv(_Table):
    kind: Literal["csv"] = "csv"
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    header_within: int = Field(default=1, ge=1, le=100)
    names: tuple[str, ...] = ()
    sections: bool = False
    stated: Counting | None = None

    def declared(self) -> Format:
        return Csv(**self.model_dump(exclude={"kind"}))


class _Xlsx(_Table):
    kind: Literal["xlsx"]
    sheet: int = Field(default=1, ge=1, le=100)
    header_within: int = Field(default=20, ge=1, le=100)
    stated: Counting | None = None

    def declared(self) -> Format:
        return Xlsx(**self.model_dump(exclude={"kind"}))


class _Json(_Table):
    kind: Literal["json"]
    records: str = ""
    stated: Place | None = None

    def declared(self) -> Format:
        return Json(records=self.records, stated=self.stated)


class _Xml(_Table):
    kind: Literal["xml"]
    record: Annotated[str, StringConstraints(min_length=1)]
    stated: Place | None = None

    def declared(self) -> Format:
        return Xml(record=self.record, stated=self.stated)


class _Gates(_Table):
    shrunk: Share = _LIMITS.shrunk
    removed: Share = _LIMITS.removed
    bad: Share = _LIMITS.bad
    few: int = Field(default=_LIMITS.few, ge=0)


class FeedTable(_Table):
    """One feed of the file."""

    title: Title
    url: Address
    terms: Address | None = None
    link: Annotated[str, AfterValidator(_pattern)] | None = None
    hosts: frozenset[str] = frozenset()
    due_at: time
    weekdays: frozenset[Annotated[int, Field(ge=0, le=6)]] = Field(default=frozenset(range(7)), min_length=1)
    gates: _Gates = _Gates()
    format: Annotated[_Csv | _Xlsx | _Json | _Xml, Field(discriminator="kind")] = _Csv()
    columns: dict[str, str]
    more_isins: tuple[str, ...] = ()
    details: dict[str, str] = {}
    constants: dict[str, str] = {}
    placeholders: frozenset[str] = frozenset()
    headers: dict[str, str] = {}
    browser: bool = False
    max_mebibytes: int = Field(default=16, ge=1, le=1024)

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        if "isin" not in self.columns:
            raise ValueError("columns must say which one has the ISIN")
        if unknown := sorted((set(self.columns) | set(self.constants)) - FIELDS):
            raise ValueError(f"no field is named {', '.join(unknown)}: further columns belong to details")
        return self

    def declared(self, name: str) -> Feed:
        """The feed."""
        return Feed(
            name=name,
            title=self.title,
            url=self.url,
            terms=self.terms,
            source=FixedUrl() if self.link is None else PageLink(self.link),
            hosts=self.hosts,
            due_at=self.due_at,
            weekdays=self.weekdays,
            gates=GateLimits(**self.gates.model_dump()),
            format=self.format.declared(),
            columns=self.columns,
            more_isins=self.more_isins,
            details=self.details,
            constants=self.constants,
            placeholders=frozenset(text.upper() for text in self.placeholders),
            headers=({"User-Agent": BROWSER} if self.browser else {}) | self.headers,
            max_bytes=self.max_mebibytes * MEBIBYTE,
        )


class _File(_Table):
    feeds: dict[FeedName, FeedTable]


def read_feeds(path: Path) -> Mapping[str, Feed]:
    """The feeds of a file. Raises WrongFeeds, and OSError when it can't be read."""
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise WrongFeeds(f"no TOML: byte {error.start} is no UTF-8") from None


def presets() -> Mapping[str, Feed]:
    """Further publishers' feeds. What may be done with their lists is theirs to say, so nobody reads them unasked."""
    return _parse(files("isin_worker.feeds").joinpath("presets.toml").read_text(encoding="utf-8"))


def _parse(text: str) -> Mapping[str, Feed]:
    try:
        tables: dict[str, Any] = tomllib.loads(text)
        # Lists are arrays in TOML, and sets and tuples here.
        declared = _File.model_validate(tables, strict=False)
    except tomllib.TOMLDecodeError as error:
        raise WrongFeeds(f"no TOML: {error}") from error
    except ValidationError as error:
        raise WrongFeeds("; ".join(_faults(error, text))) from None
    return {name: table.declared(name) for name, table in declared.feeds.items()}


def _faults(error: ValidationError, text: str) -> Iterator[str]:
    for fault in error.errors(include_input=False):
        place = [str(part) for part in fault["loc"]]
        yield f"line {_line_of(place, text)}, {'.'.join(place)}: {fault['msg'].removeprefix('Value error, ')}"


def _line_of(place: Sequence[str], text: str) -> int:
    """The line of the file that declares the key at ``place``, or of what it would be in."""
    found, depth = 1, 0
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        key = _KEY.match(line)
        if key is None:
            continue
        names = [name.strip(" \t\"'") for name in (key["table"] or key["name"]).split(".")]
        if key["table"]:
            table = names
        path = names if key["table"] else table + names
        if len(path) > depth and path == list(place[: len(path)]):
            found, depth = number, len(path)
    return found
