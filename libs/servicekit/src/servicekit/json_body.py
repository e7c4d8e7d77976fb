"""Strict JSON (RFC 8259): UTF-8 only, no NaN or Infinity, no NUL, no lone surrogates, no integer beyond 64 bits."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from servicekit.problems import FieldProblem, MalformedJson, RuleViolation
from servicekit.schemas import LONE_SURROGATE, MAX_INT64

MAX_DEPTH = 64
MAX_MEMBERS = 1000  # of an object: each that nobody knows becomes a fault of its own
_LONG_NUMBER = re.compile(rb"\d{19}")  # the shortest that can be beyond 64 bits


class _NotANumber(ValueError):
    pass


def check_json(body: bytes) -> None:
    """Accept a strict document, or raise.

    Raises:
        MalformedJson: not JSON, or not in UTF-8 (400).
        RuleViolation: well formed, but with a value that no field here can hold (422).
    """
    try:
        parse_int = _bounded_int if _LONG_NUMBER.search(body) else None  # a call for each number takes its time
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_int=parse_int)
    except UnicodeDecodeError as error:
        raise MalformedJson("The body is not UTF-8.") from error
    except _NotANumber as error:
        raise _violation("", "number", "NaN, Infinity and integers beyond 64 bits are not allowed") from error
    except RecursionError as error:
        raise _violation("", "depth", f"more than {MAX_DEPTH} levels deep") from error
    except ValueError as error:
        raise MalformedJson("The body is not well-formed JSON.") from error
    _walk(document)


def _refuse_constant(_name: str) -> NoReturn:
    raise _NotANumber


def _bounded_int(digits: str) -> int:
    # The length is looked at first: int() on a million digits would take its time.
    if len(digits) > 20 or not -MAX_INT64 - 1 <= (value := int(digits)) <= MAX_INT64:
        raise _NotANumber
    return value


def _walk(document: Any) -> None:
    # Anybody may send a megabyte of tiny values. So scalars are looked at where they stand, and where a container
    # stands is a chain to its parents, which becomes a pointer only when there is a fault to report.
    pending = [_Place([document], 0, "", None)]
    while pending:
        place = pending.pop()
        if place.depth > MAX_DEPTH:
            raise _violation("", "depth", f"more than {MAX_DEPTH} levels deep")
        for name, value in _members(place):
            if isinstance(value, str):
                _check_text(place, name, value)
            elif isinstance(value, (list, dict)):
                if value:
                    pending.append(_Place(value, place.depth + 1, name, place))
            elif isinstance(value, float) and math.isinf(value):
                raise _violation(_pointer(place, name), "number", "the number is too large")


class _Place(NamedTuple):
    """A list or an object, and where it stands."""

    container: Any
    depth: int
    name: str | int
    parent: "_Place | None"


def _members(place: _Place) -> Iterable[tuple[str | int, Any]]:
    if isinstance(place.container, list):
        return enumerate(place.container)
    if len(place.container) > MAX_MEMBERS:
        raise _violation(_pointer(place, None), "members", f"more than {MAX_MEMBERS} members")
    for name in place.container:
        _check_text(place, None, name)
    items: Iterable[tuple[str, Any]] = place.container.items()
    return items


def _check_text(place: _Place, name: str | int | None, text: str) -> None:
    if "\0" in text:
        raise _violation(_pointer(place, name), "nul", "NUL is not allowed")
    if not text.isascii() and LONE_SURROGATE.search(text):
        raise _violation(_pointer(place, name), "surrogate", "lone surrogates are not allowed")


def _pointer(place: _Place, name: str | int | None) -> str:
    """The JSON Pointer of a member of ``place``, or of the place itself. The outermost list is not the caller's."""
    names = [] if name is None else [name]
    while place.parent is not None:
        names.append(place.name)
        place = place.parent
    return "".join(f"/{escape(str(part))}" for part in names[-2::-1])


def escape(name: str) -> str:
    """A member name as a token of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _violation(pointer: str, code: str, detail: str) -> RuleViolation:
    return RuleViolation(errors=[FieldProblem(pointer=pointer, code=code, detail=detail)])
