"""What tests need of publishers: a web server that misbehaves on demand, and made-up lists in their formats."""

from isin_worker.testing.lists import HEADER, make_isin, make_list, make_row, make_workbook, make_zip
from isin_worker.testing.publisher import PATH, Publisher, Served, eventually

__all__ = [
    "HEADER",
    "PATH",
    "Publisher",
    "Served",
    "eventually",
    "make_isin",
    "make_list",
    "make_row",
    "make_workbook",
    "make_zip",
]
