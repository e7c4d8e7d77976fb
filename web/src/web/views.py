"""Templates, and how they show numbers, times and links. Every value is escaped; the texts come from ``texts``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web.devices import device_words
from web.static_files import StaticFiles
from web.texts import counted, text, text_or_none

TEMPLATES = Path(__file__).parent / "templates"


class Views:
    """Renders the templates of the package."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            t=text, t_or_none=text_or_none, counted=counted, static=static.url, new_key=lambda: str(uuid4())
        )
        self._environment.filters.update(
            number=number,
            utc=utc,
            iso=iso,
            store_link=store_link,
            own_image=own_image,
            query=query,
            hue=hue,
            duration=duration,
            device=device_words,
            short_number=short_number,
        )

    def render(self, template: str, **values: Any) -> str:
        """The page as HTML. Raises jinja2.UndefinedError for a value that the template misses."""
        return self._environment.get_template(template).render(**values)


def number(value: int) -> str:
    """With separators, and a real minus sign."""
    return f"{value:,}".replace("-", "\N{MINUS SIGN}")


def short_number(value: int) -> str:
    """For the side of a chart: 1,500 as 1.5k."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}".replace("-", "\N{MINUS SIGN}")
    return number(value)


def hue(name: str) -> int:
    """One of six colours for a thing without a picture, always the same for the same name."""
    return sum(name.encode()) % 6


def duration(seconds: int) -> str:
    """About how long: minutes, hours or days."""
    if seconds < 5400:
        return counted("minutes", max(1, round(seconds / 60)))
    if seconds < 129_600:
        return counted("hours", round(seconds / 3600))
    return counted("days", round(seconds / 86_400))


def iso(moment: datetime) -> str:
    """For the ``datetime`` attribute, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(moment: datetime) -> str:
    """For people, in UTC; a script shows it in their own zone."""
    return moment.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def store_link(url: str | None) -> str | None:
    """The address if a browser may follow it: https and nothing else."""
    return url if url and urlsplit(url).scheme == "https" else None


def own_image(url: str | None) -> str | None:
    """The address if it is a path of this platform: no page loads pictures from elsewhere."""
    return url if url and url.startswith("/") and not url.startswith("//") else None


def query(values: Mapping[str, object]) -> str:
    """A query string of the values that are given."""
    return urlencode({name: value for name, value in values.items() if value not in (None, "")})
