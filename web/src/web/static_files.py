"""The files of the pages, in memory, under names that change with their content: browsers keep them for ever."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.responses import Response

FOREVER = "public, max-age=31536000, immutable"
mimetypes.add_type("text/javascript", ".js")


class StaticFiles:
    """Every file of one folder."""

    def __init__(self, folder: Path) -> None:
        self._names: dict[str, str] = {}
        self._answers: dict[str, tuple[bytes, str]] = {}
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            hashed = f"{path.stem}.{hashlib.blake2b(content, digest_size=8).hexdigest()}{path.suffix}"
            kind, _ = mimetypes.guess_type(path.name)
            self._names[path.name] = hashed
            self._answers[hashed] = (content, kind or "application/octet-stream")

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError for a name that is not there."""
        return f"/static/{self._names[name]}"

    def answer(self, hashed: str) -> Response | None:
        """The file under its hashed name, or None."""
        if hashed not in self._answers:
            return None
        content, kind = self._answers[hashed]
        return Response(content, media_type=kind, headers={"Cache-Control": FOREVER})
