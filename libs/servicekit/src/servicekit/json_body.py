"""Strict JSON (RFC 8259): UTF-8 only, no NaN or Infinity, no NUL, no lone surrogates, no integer beyond 64 bits."""

import json
from typing import Any, NoReturn

from servicekit.problems import FieldProblem, MalformedJson, RuleViolation
from servicekit.schemas import MAX_INT64

MAX_DEPTH = 64


class _NotANumber(ValueError):
    pass


def check_json(body: bytes) -> None:
    """Accept a strict document, or raise.

    Raises:
        MalformedJson: not JSON, or not in UTF-8 (400).
        RuleViolation: well formed, but with a value that no field here can hold (422).
    """
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_int=_bounded_int)
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
    pending: list[tuple[str, int, Any]] = [("", 0, document)]
    while pending:
        pointer, depth, value = pending.pop()
        if depth > MAX_DEPTH:
            raise _violation("", "depth", f"more than {MAX_DEPTH} levels deep")
        if isinstance(value, str):
            _check_text(pointer, value)
        elif isinstance(value, list):
            pending += [(f"{pointer}/{index}", depth + 1, item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            for name in value:
                _check_text(pointer, name)
            pending += [(f"{pointer}/{escape(name)}", depth + 1, item) for name, item in value.items()]
        elif isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise _violation(pointer, "number", "the number is too large")


def _check_text(pointer: str, text: str) -> None:
    if "\0" in text:
        raise _violation(pointer, "nul", "NUL is not allowed")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _violation(pointer, "surrogate", "lone surrogates are not allowed")


def escape(name: str) -> str:
    """A member name as a token of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _violation(pointer: str, code: str, detail: str) -> RuleViolation:
    return RuleViolation(errors=[FieldProblem(pointer=pointer, code=code, detail=detail)])
