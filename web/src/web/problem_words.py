"""Problem details of the API in human words: one table by code, then what the API says itself."""

from dataclasses import dataclass, field

from web.api import ApiProblem, Fault
from web.texts import text_or_none


@dataclass
class Trouble:
    """What a form shows when the API refused it: words above it, and words beside its fields."""

    words: str
    fields: dict[str, str] = field(default_factory=dict)


def words_of(problem: ApiProblem) -> str:
    """One or two sentences for the person at the screen."""
    details = problem.details
    return text_or_none(f"problem.{details.code}") or details.detail or details.title


def trouble_of(problem: ApiProblem, fields: set[str]) -> Trouble:
    """Words for a form that has these fields; a fault that belongs to none of them stands above the form."""
    beside: dict[str, str] = {}
    above: list[str] = []
    for fault in problem.details.errors:
        name = fault.pointer.lstrip("/").partition("/")[0]
        words = _words_of_fault(name, fault)
        if name in fields:
            beside.setdefault(name, words)
        else:
            above.append(words)
    return Trouble(" ".join([words_of(problem), *above]), beside)


def _words_of_fault(name: str, fault: Fault) -> str:
    return text_or_none(f"fault.{name}.{fault.code}") or text_or_none(f"fault.{fault.code}") or fault.detail
