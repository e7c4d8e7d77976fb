"""Made-up lists: the layout of NSE India's, and files in a zip."""

import csv
import io
import string
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

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


def make_workbook(rows: Sequence[Sequence[str]], *, dimension: str | None = None, shared: bool = False) -> bytes:
    """A workbook of one sheet. Empty cells are left out; texts are in the cells, or ``shared`` as is usual."""
    size = f'<dimension ref="{dimension}"/>' if dimension else ""
    texts = list(dict.fromkeys(cell for row in rows for cell in row))
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = [
            f'<c r="{string.ascii_uppercase[place]}{number}" t="s"><v>{texts.index(cell)}</v></c>'
            if shared
            else f'<c r="{string.ascii_uppercase[place]}{number}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for place, cell in enumerate(row)
            if cell
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    namespace = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    link = '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
    parts = {
        "xl/workbook.xml": f'<workbook {namespace}><sheets><sheet name="A" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{link}</Relationships>",
        "xl/sharedStrings.xml": "<sst>" + "".join(f"<si><t>{escape(text)}</t></si>" for text in texts) + "</sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet>{size}<sheetData>{''.join(lines)}</sheetData></worksheet>",
    }
    return make_zip({name: content.encode() for name, content in parts.items()})
