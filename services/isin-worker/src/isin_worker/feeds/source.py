"""What a publisher has published: the files of one edition of a list."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

Mode = Literal["full", "delta"]


class NotListed(Exception):
    """The publisher's page or list of files does not show what it should, or not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file of an edition, in the order in which they apply. ``md5`` is what the publisher says of its bytes."""

    url: str
    md5: str | None = None
    mode: Mode = "full"

    @property
    def name(self) -> str:
        """What the publisher calls it."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The files that make a list, and what the publisher calls the edition: the same name means the same content.

    No files: nothing was published since. ``missing`` is what should be listed, is not, and is not waited for any more.
    """

    files: tuple[RemoteFile, ...]
    version: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What is wanted: the list as of ``until``, where that of ``after`` stands; without it there is none yet.

    ``version`` is what the publisher calls the one that stands. ``final``: it was waited for, so that what is not
    listed now counts as not published.
    """

    until: date
    after: date | None = None
    version: str | None = None
    final: bool = False


class Source(Protocol):
    """How a publisher tells where its files are."""

    def question(self, url: str, span: Span) -> str | None:
        """The address of what says where the files are, or None when the list itself is at ``url``."""

    def release(self, answer: bytes, url: str, span: Span) -> Release:
        """The files, from what was found at ``url``. Raises NotListed."""


@dataclass(frozen=True, slots=True)
class FixedUrl:
    """The list is at the feed's address."""

    def question(self, url: str, span: Span) -> str | None:  # noqa: ARG002 - the same on every day
        """Nothing is to be asked."""
        return None

    def release(self, answer: bytes, url: str, span: Span) -> Release:  # noqa: ARG002 - as above
        """The one file."""
        return Release(files=(RemoteFile(url=url),))
