"""Reads dashboards by Grafana's own types and writes them again: a field that these don't know is lost on the way.

python read_back.py FILE ...        (needs `grafana-foundation-sdk`; part of `make deploy-check`)
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(written: Any, read: Any, place: str) -> Iterator[str]:
    """Where something that was written is not read."""
    if isinstance(written, dict) and isinstance(read, dict):
        for name, value in written.items():
            yield from lost(value, read.get(name), f"{place}.{name}")
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for number, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif written != read:
        yield place


def main() -> None:
    """The command: ends with 1 and a line for each fault."""
    faults = []
    for path in map(Path, sys.argv[1:]):
        written = json.loads(path.read_text())
        read = json.loads(JSONEncoder().encode(Dashboard.from_json(written)))
        faults += [f"{path.name}: Grafana does not know {place}" for place in lost(written, read, path.stem)]
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
