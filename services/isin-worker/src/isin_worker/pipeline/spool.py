"""Files on their way in: a part of one is kept when the connection breaks, with what is needed to go on."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

CHUNK = 1024 * 1024
KEPT_SECONDS = 2 * 24 * 3600
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Validators:
    """What the publisher said of a file (RFC 9110, section 8.8)."""

    etag: str | None
    last_modified: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Those of an answer."""
        return cls(headers.get("etag"), headers.get("last-modified"))

    def conditions(self) -> dict[str, str]:
        """The headers that ask for the file only if it is another one."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}

    @property
    def strong(self) -> str | None:
        """What says that two answers have the same bytes: a weak ETag does not (RFC 9110, section 13.1.5)."""
        return self.last_modified if self.etag is None or self.etag.startswith("W/") else self.etag


def prepare_folder(folder: Path) -> None:
    """Make the folder of a run, and forget those of the feed's other runs that were left long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder and time.time() - other.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


class Part:
    """A file that is being downloaded, of which none, some or all bytes are here."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self._url = url
        self._note = path.with_suffix(".json")
        self.restart(Validators(None, None), resumable=False)

    def restart(self, validators: Validators, *, resumable: bool) -> None:
        """What comes now is the file from its first byte."""
        self.bytes = 0
        self.validators = validators
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        if resumable and validators.strong:
            self._note.write_text(json.dumps({"url": self._url, **asdict(validators)}), encoding="utf-8")
        else:
            self._note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what is here."""
        self.restart(Validators(None, None), resumable=False)

    def keep_if_resumable(self) -> None:
        """Keep what is here for another attempt, if one could go on from it."""
        if not self.range_headers():
            self.discard()

    def adopt(self, folder: Path) -> None:
        """Take over what an earlier attempt left of the same file.

        It is copied: whoever left it may be slow rather than dead, and still write.
        """
        for note in folder.glob("*.json"):
            left = _read_note(note)
            part = note.with_suffix(self.path.suffix)
            if left is None or left.pop("url", None) != self._url or note == self._note or not part.exists():
                continue
            self.restart(Validators(left.get("etag"), left.get("last_modified")), resumable=True)
            shutil.copyfile(part, self.path)
            with self.path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    self._count(chunk)
            note.unlink()
            part.unlink()
            return

    def range_headers(self) -> dict[str, str]:
        """The headers that ask for the rest, if the file is still the same; none without something to go on from."""
        strong = self.validators.strong
        if not self.bytes or strong is None or not self._note.exists():
            return {}
        return {"Range": f"bytes={self.bytes}-", "If-Range": strong}

    def continues_with(self, headers: Mapping[str, str]) -> bool:
        """Whether a partial answer begins where we are, and is of the same file."""
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        same = Validators.of(headers).strong in {None, self.validators.strong}
        return found is not None and int(found[1]) == self.bytes and same

    def is_whole(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer that there is no rest (416) says that the file ends where we are."""
        return self.bytes > 0 and headers.get("content-range") == f"bytes */{self.bytes}"

    @contextmanager
    def open(self) -> Iterator[Callable[[bytes], None]]:
        """How to append to the file."""
        with self.path.open("ab") as file:

            def write(chunk: bytes) -> None:
                file.write(chunk)
                self._count(chunk)

            yield write

    def _count(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)

    @property
    def sha256(self) -> str:
        """Of what is here, in hexadecimal digits."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Of what is here: some publishers tell it of their files."""
        return self._md5.hexdigest()


def _read_note(note: Path) -> dict[str, str | None] | None:
    try:
        read = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
