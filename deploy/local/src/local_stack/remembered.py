"""What earlier starts already did, so that a later one need not do it again."""

import json
from pathlib import Path


class Remembered:
    """Facts in one JSON file. Losing it costs time only: everything it saves is safe to repeat."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._facts: dict[str, str] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            self._facts = {}

    def has(self, what: str, fingerprint: str) -> bool:
        """Whether `what` was done in exactly this form."""
        return self._facts.get(what) == fingerprint

    def put(self, what: str, fingerprint: str) -> None:
        """Remembers that `what` was done."""
        self._facts[what] = fingerprint
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self._facts, indent=1))
        fresh.replace(self._file)
