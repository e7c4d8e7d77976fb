"""What the fuzzers begin with: small inputs that are right, which they then change."""

from pathlib import Path

from isin_worker.testing import make_isin, make_workbook, make_zip
from isin_worker.testing.firds import make_changes, make_full, make_record

ONE, TWO = make_isin(1), make_isin(2)
LISTS = (
    (0, 0, f'ISIN,Name\n{ONE},"Cars, Limited"\n{TWO},\n'.encode()),
    (1, 0, f"Title\nISIN;Name;Other\n{ONE};Cars;{TWO}\nCount: 1\n".encode()),
    (2, 0, f"LEI,ISIN\n529900T8BM49AURSDO55,{ONE}\n529900T8BM49AURSDO55,{TWO.lower()}\n".encode()),
    (3, 0, f'{{"count": 1, "rows": [{{"ISIN": "{ONE}", "Name": "Cars"}}]}}'.encode()),
    (4, 0, f"<a><Count>1</Count><Row><ISIN>{ONE}</ISIN><Name>Cars</Name></Row></a>".encode()),
    (5, 0, make_workbook([["ISIN", "Name"], [ONE, "Cars"], ["Count: 1"]], shared=True)),
    (5, 1, b'<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>'),
    (5, 5, b"<sst><si><t>ISIN</t></si><si><t>Name</t></si></sst>"),
    (6, 0, make_full([make_record(1), make_record(2, name="A &amp; B")])),
    (7, 1, make_changes([("new", make_record(1)), ("terminated", make_record(2))])),
    (0, 0, make_zip({"list": f"ISIN,Name\n{ONE},Cars\n".encode()})),
)
REQUESTS = (
    b"GET /api/v1/apps HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
)
TEXTS = (
    b'{"id": 123, "code": 45}', b'"id"::1:22:333', ONE.encode(), b"https://play.google.com/store/apps/details?id=a.b",
)  # fmt: skip


def write(target: str, folder: Path) -> None:
    """The seeds of a target, a file each."""
    seeds = {
        "lists": [bytes([form, how]) + content for form, how, content in LISTS],
        "gateway": [bytes([20, 40]) + request for request in REQUESTS],
        "extractor": [bytes([number, 0, 1, 7, 1]) + text for number, text in enumerate(TEXTS)],
    }
    for number, content in enumerate(seeds[target]):
        (folder / f"seed-{number}").write_bytes(content)
