"""A register of FIRDS files, as ESMA has one, on the tests' publisher."""

import hashlib
import json
from datetime import date

from isin_worker.testing.lists import make_zip
from isin_worker.testing.publisher import Publisher, Served


class FirdsRegister:
    """The list of files with their checksums, at ``/select``, and the files."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._documents: list[dict[str, str]] = []

    def add(self, kind: str, day: date, content: bytes, part: str = "01of01") -> Served:
        """Publish a file; what is done to it afterwards its checksum does not know."""
        path = f"/{kind}_{day:%Y%m%d}_{part}.zip"
        packed = make_zip({"list.xml": content})
        checksum = hashlib.md5(packed, usedforsecurity=False).hexdigest()
        served = self._publisher.files[path] = Served(packed)
        self._documents.append({"download_link": self._publisher.url_of(path), "checksum": checksum})
        answer = {"response": {"numFound": len(self._documents), "docs": self._documents}}
        self._publisher.files["/select"] = Served(json.dumps(answer).encode())
        return served
