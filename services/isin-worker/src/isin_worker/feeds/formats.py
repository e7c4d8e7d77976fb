"""How a list is written down. All names in them are compared without surrounding blanks and without regard to case."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Csv:
    """Rows of cells under a header.

    The header is the first line, of at most ``header_within``, that names every declared column: publishers put a title
    or a date before it. A list without a header has the ``names`` of its columns here. With ``sections``, a line of a
    single cell between the rows is a heading and no row.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    header_within: int = 1
    names: tuple[str, ...] = ()
    sections: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Xlsx:
    """A sheet of a workbook, the first one by default; its header is found as that of a `Csv`."""

    sheet: int = 1
    header_within: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """Objects in the array at ``records``, which names the keys that lead to it: ``data.rows``; "" is the whole."""

    records: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Xml:
    """Elements named ``record``, wherever they stand.

    A column is the path of an element below it, ``Issuer/Name``, or of an attribute, ``Issuer/@id``. Prefixes of
    namespaces do not count.
    """

    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firds:
    """Reference data of financial instruments: ISO 20022 messages auth.017 (full) and auth.036 (changes).

    ``categories`` are the first letters of the instruments' CFI code (ISO 10962) that are read.
    """

    categories: str


Format = Csv | Xlsx | Json | Xml | Firds
