"""A made-up list of securities in the layout of an Indian exchange, over real HTTP with real validators.

The names and numbers are invented; the ISINs are valid, their check digits computed (ISO 6166).
"""

import hashlib
import random
import string
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from extractor import isin_check_digit
from local_stack.parts import FEED_PATH, HOST

ROWS = 2000
# The publisher writes a blank before every name but the first two.
HEADER = "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER, FACE VALUE"
_PUBLISHED = datetime(2026, 1, 2, 3, 30, tzinfo=UTC)
_FIRST = ("Amber", "Banyan", "Coral", "Delta", "Emerald", "Falcon", "Granite", "Harbour", "Indigo", "Jasmine", "Kaveri")
_SECOND = ("Agro", "Cements", "Chemicals", "Foods", "Logistics", "Motors", "Pharma", "Power", "Steel", "Textiles")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def demo_list(rows: int = ROWS) -> bytes:
    """The CSV. The same every time, so that a second download finds it unchanged."""
    chance = random.Random(20260102)  # noqa: S311 - invented data, the same for everybody
    return ("\n".join([HEADER, *(_row(number, chance) for number in range(rows))]) + "\n").encode()


def _row(number: int, chance: random.Random) -> str:
    name = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} {number + 1} Limited"
    listed = date(1995, 1, 2) + timedelta(days=chance.randrange(11_000))
    listing = f"{listed.day:02d}-{_MONTHS[listed.month - 1]}-{listed.year}"
    series = chance.choices(("EQ", "BE", "BZ"), weights=(90, 8, 2))[0]
    face_value = chance.choice((1, 2, 5, 10))
    return f"DEMO{number + 1:04d},{name},{series},{listing},{face_value},1,{_isin(number)},{face_value}"


def _isin(number: int) -> str:
    # Country, issuer class, issuer (three digits and a letter), security type, serial number, check digit.
    letter = string.ascii_uppercase[number // 1000 % 26]
    body = f"INE{number % 1000:03d}{letter}01{number % 9 + 10}"
    return f"{body}{isin_check_digit(body)}"


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of one file, conditional (RFC 9110, section 13)."""

    protocol_version = "HTTP/1.1"
    body = demo_list()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    last_modified = format_datetime(_PUBLISHED, usegmt=True)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def version_string(self) -> str:
        return "demo-feed"

    def _answer(self, *, with_body: bool) -> None:
        if self.path != FEED_PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        unchanged = self._is_unchanged()
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
        self.send_header("ETag", self.etag)
        self.send_header("Last-Modified", self.last_modified)
        if not unchanged:
            self.send_header("Content-Type", "text/csv")
            self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if with_body and not unchanged:
            self.wfile.write(self.body)

    def _is_unchanged(self) -> bool:
        known = self.headers.get("If-None-Match")
        if known is not None:  # decides alone when it is there
            return known.strip() == "*" or self.etag in (tag.strip().removeprefix("W/") for tag in known.split(","))
        return self.headers.get("If-Modified-Since") == self.last_modified


def server(port: int) -> ThreadingHTTPServer:
    """A server on loopback."""
    return ThreadingHTTPServer((HOST, port), _Handler)


def url(port: int) -> str:
    """Where the list is."""
    return f"http://{HOST}:{port}{FEED_PATH}"
