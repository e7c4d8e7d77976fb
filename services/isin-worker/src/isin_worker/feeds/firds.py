"""The files of a Financial Instruments Reference Data System, and which of them make the list of a day.

Once a week the whole is published, a file or several for each first letter of the CFI code (FULINS), and every day what
changed since the day before (DLTINS).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from isin_worker.feeds.source import Mode, NotListed, Release, RemoteFile, Span

LOOK_BACK = timedelta(days=8)
"""The newest full file is not older, and one day late at most."""

_NAME = re.compile(r"(?:FULINS_([A-Z])|(DLTINS))_(\d{8})_(\d{1,3})of(\d{1,3})(?:_[A-Z0-9]+)?\.zip", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """A file as its name tells: what it is of which day, and which part of how many."""

    day: date
    category: str  # the letter of a full file, "" for changes
    part: int
    parts: int
    url: str
    md5: str | None

    @property
    def mode(self) -> Mode:
        """Whether the file has everything or changes."""
        return "full" if self.category else "delta"

    @property
    def name(self) -> str:
        """What the publisher calls it."""
        return self.url.rpartition("/")[2]


def listed(url: str, md5: str | None) -> Listed | None:
    """The file of this address; None for one of another kind, such as what was cancelled."""
    found = _NAME.fullmatch(url.rpartition("/")[2])
    if found is None:
        return None
    category, _, day, part, parts = found.groups()
    try:
        published = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 - a date of the calendar, without a zone
    except ValueError:
        return None
    return Listed(published, category or "", int(part), int(parts), url, md5)


def look_back(span: Span) -> date:
    """From which day on the files must be known to say what makes the list."""
    return min(span.until - LOOK_BACK, _applied(span) or span.until)


def _applied(span: Span) -> date | None:
    """The day up to which what stands has the changes. Its business date may be later: there were none then, or not
    yet, and those that come late must not be passed over."""
    files = [listed(name, None) for name in (span.version or "").split()]
    days = [file.day for file in files if file]
    return min(max(days), span.after) if days and span.after else span.after


def release(files: Iterable[Listed], span: Span, categories: str) -> Release:
    """The files that lead to the list of ``span.until``: the newest full one unless it stands already, then changes.

    Raises NotListed while something is missing that is waited for. When it is not any more, a day without changes is a
    day on which nothing changed, and what is not listed is missing from the release: parts, or the whole.
    """
    after = _applied(span)
    by_day: dict[tuple[Mode, date], list[Listed]] = defaultdict(list)
    for file in sorted(set(files)):
        if file.day <= span.until and (not file.category or file.category in categories):
            by_day[file.mode, file.day].append(file)
    start = max((day for mode, day in by_day if mode == "full" and (after is None or day > after)), default=None)
    if start is None and after is None:
        if span.final:
            return Release(files=(), missing=(f"a full file up to {span.until}",))
        raise NotListed(f"no full file is listed up to {span.until}")
    since = start or after
    days = sorted(day for mode, day in by_day if mode == "delta" and since is not None and day > since)
    if since != span.until and span.until not in days and not span.final:
        raise NotListed(f"the changes of {span.until} are not listed yet")
    chosen = [*(by_day["full", start] if start else []), *(file for day in days for file in by_day["delta", day])]
    missing = [*(_missing(by_day["full", start], categories) if start else [])]
    missing += [name for day in days for name in _missing(by_day["delta", day], "")]
    if missing and not span.final:
        raise NotListed(f"not listed yet: {', '.join(missing)}")
    return Release(
        files=tuple(RemoteFile(url=file.url, md5=file.md5, mode=file.mode) for file in chosen),
        version=" ".join(file.name for file in chosen),
        missing=tuple(missing),
    )


def _missing(files: list[Listed], categories: str) -> Iterator[str]:
    """What is not listed of one day: whole categories, and parts of those that are there."""
    day = f"{files[0].day:%Y%m%d}"
    yield from (f"FULINS_{category}_{day}" for category in sorted(set(categories) - {file.category for file in files}))
    for category in sorted({file.category for file in files}):
        parts = {file.part for file in files if file.category == category}
        count = max(file.parts for file in files if file.category == category)
        kind = f"FULINS_{category}" if category else "DLTINS"
        yield from (f"{kind}_{day}_{part:02}of{count:02}" for part in range(1, count + 1) if part not in parts)
