"""Made-up lists: the layout of NSE India's, and files in a zip."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

from extractor import isin_check_digit

HEADER = ("SYMBOL", "NAME OF COMPANY", " SERIES", " DATE OF LISTING", " ISIN NUMBER")


def make_isin(number: int, prefix: str = "INE") -> str:
    """A valid ISIN, another one for each number below a hundred million."""
    body = f"{prefix}{number:0{11 - len(prefix)}d}"
    return f"{body}{isin_check_digit(body)}"


def make_row(number: int, name: str | None = None, *, isin: str | None = None, series: str = "EQ") -> list[str]:
    """A row under ``HEADER``."""
    return [f"SYM{number}", name or f"Company {number} Limited", series, "06-OCT-2008", isin or make_isin(number)]


def make_list(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    """A list as the publisher would write it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


def make_zip(files: Mapping[str, bytes]) -> bytes:
    """The files in a zip, packed; the same bytes for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
