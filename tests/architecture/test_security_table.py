"""The table of security demands names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`([\w./-]+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text())


def test_every_test_that_holds_a_demand_exists() -> None:
    missing = [f"{path}::{name}" for path, name in NAMED if f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []
    assert len(NAMED) > 60
