"""What must hold of an app beyond the form of its fields."""

from typing import Any

from servicekit.problems import FieldProblem, RuleViolation


def check_window(values: dict[str, Any]) -> None:
    """Raise RuleViolation when the time in which the app is offered ends before it begins."""
    begin, end = values["available_from"], values["available_until"]
    if begin is not None and end is not None and begin >= end:
        fault = FieldProblem(pointer="/available_until", code="window", detail="Must be later than available_from")
        raise RuleViolation(errors=[fault])


def unknown_category(pointer: str, detail: str) -> RuleViolation:
    """What to answer when a category that a field names is not there."""
    return RuleViolation(errors=[FieldProblem(pointer=pointer, code="unknown-category", detail=detail)])
