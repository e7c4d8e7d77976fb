"""The PromQL of our alert rules and dashboards, and what it asks for: metrics, their labels, and values of these.

It knows as much of the language as we use: selectors, ``by`` and ``on``, functions, and what stands in brackets.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dashboards
import yaml

OBSERVABILITY = Path(__file__).parents[2] / "deploy" / "observability"
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|[\w:])")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})


@dataclass
class Query:
    """An expression: where it stands, the selectors by metric, and the labels that must come out of it."""

    where: str
    text: str
    selectors: list[tuple[str, list[tuple[str, str, str]]]] = field(init=False)  # metric; label, operator, value
    grouped: set[str] = field(init=False)
    shown: set[str]

    def __post_init__(self) -> None:
        text = re.sub(r"\[[^\]]*\]", "", self.text)
        self.grouped = {label.strip() for group in _GROUPING.findall(text) for label in group.split(",")}
        bare = _GROUPING.sub(" ", text)
        self.selectors = [
            (name, _MATCHER.findall(matchers)) for name, matchers in _SELECTOR.findall(bare) if name not in _WORDS
        ]


def rules() -> list[dict[str, Any]]:
    """Every rule of the file."""
    groups = yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[Query]:
    """Every expression."""
    for rule in rules():
        told = " ".join(rule.get("annotations", {}).values())
        yield Query(rule.get("alert") or rule["record"], rule["expr"], shown=set(re.findall(r"\$labels\.(\w+)", told)))
    for name in dashboards.DASHBOARDS:
        for panel in dashboards.dashboard(name)["panels"]:
            for target in panel["targets"]:
                shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                yield Query(f"{name}: {panel['title']}", target["expr"], shown=shown)


def recorded() -> dict[str, set[str]]:
    """The labels of what the rules record."""
    return {rule["record"]: Query("", rule["expr"], shown=set()).grouped for rule in rules() if "record" in rule}
