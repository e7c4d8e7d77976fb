"""What can go wrong.

Over HTTP (`DomainError`, whose docstrings are the public pages)::

    UnknownFeed 404   UnknownRun 404   UnknownIsin 404   RunInProgress 409   RunNotHeld 409
    NotAnIsin 422   DateNotAvailable 422

While a list is fetched and read::

    FeedError
    ├── FetchFailed       the publisher gave no list
    │   └── NotThere      there is nothing at that address
    ├── PartsMissing      nothing is there of what makes the list
    ├── UnreadableList    what came is not the list that was declared
    │   └── HeaderDrift   a declared column is missing
    ├── OutdatedList      a newer list is published already
    └── LeaseLost         somebody else took the run over
"""

from servicekit.problems import Conflict, NotFound, RuleViolation


class UnknownFeed(NotFound):
    """There is no feed of this name. `GET /api/v1/feeds` lists those that there are."""

    code, title = "unknown-feed", "No such feed"


class UnknownRun(NotFound):
    """This feed has no run of this id. `GET /api/v1/feeds/{name}/runs` lists its runs."""

    code, title = "unknown-run", "No such run"


class UnknownIsin(NotFound):
    """This is a valid ISIN, but it never stood on any of the lists that are read here."""

    code, title = "unknown-isin", "No list has this ISIN"


class RunInProgress(Conflict):
    """The run of this date is being done at the moment. Look at it again when it has finished."""

    code, title = "run-in-progress", "The run is in progress"


class RunNotHeld(Conflict):
    """Only a run that a gate holds can be released or dropped, and somebody may have done so just now."""

    code, title = "run-not-held", "The run is not held"


class NotAnIsin(RuleViolation):
    """This is not an ISIN (ISO 6166): two letters, nine letters or digits, a check digit. `errors` says what is wrong
    and which check digit would be right."""

    code, title = "not-an-isin", "Not an ISIN"


class DateNotAvailable(RuleViolation):
    """The list of this business date can't be fetched: it is not published yet, or the publisher shows it no more."""

    code, title = "date-not-available", "The list of this date is not to be had"


class FeedError(Exception):
    """The attempt failed in a way that its run record explains in one line. What was published stands."""


class FetchFailed(FeedError):
    """The publisher gave no list: no answer, an error, a redirect elsewhere, too much, or too slowly."""


class NotThere(FetchFailed):
    """The publisher has nothing at that address (404, 410)."""


class PartsMissing(FeedError):
    """It was waited for, and nothing is there of what makes the list."""


class UnreadableList(FeedError):
    """What came is not the list that was declared: no CSV, or damaged."""


class HeaderDrift(UnreadableList):
    """The header is not the one that was declared: a column is missing, or there is more than one of its name."""


class OutdatedList(FeedError):
    """A list of a later business date is published already; an older one must not replace it."""


class LeaseLost(FeedError):
    """The lease ran out and somebody else took the run over. Nothing of this attempt was published."""
