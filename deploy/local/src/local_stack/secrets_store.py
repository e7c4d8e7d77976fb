"""Secrets that the stack makes for itself, once, in a file only its owner reads."""

import json
import os
import secrets
import string
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits  # selects with a double click, needs no quoting anywhere


class SecretsStore:
    """Named secrets in one JSON file under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "secrets.json"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def get(self, name: str, length: int = 43) -> str:
        """The secret of that name, made and written down when it is asked for the first time."""
        if name not in self._known:
            self._known[name] = "".join(secrets.choice(_ALPHABET) for _ in range(length))
            self._write()
        return self._known[name]

    def _write(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self._known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
