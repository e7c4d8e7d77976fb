"""How a list is written down. All names in them are compared without surrounding blanks and without regard to case."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Csv:
    """Rows of cells under a header.

    The header is the first line, of at most ``header_within``, that names every declared column: publishers put a title
    or a date before it. A list without a header has the ``names`` of its columns here. With ``sections``, a line of a
    single cell between the rows is a heading and no row. ``stated`` is a regular expression for the number of rows in a
    line above or below them; a list without that line is held, as its end may be missing.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    header_within: int = 1
    names: tuple[str, ...] = ()
    sections: bool = False
    stated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Xlsx:
    """A sheet of a workbook, the first one by default; its header and number of rows are found as those of a `Csv`."""

    sheet: int = 1
    header_within: int = 20
    stated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """Objects in the array at ``records``, which names the keys that lead to it: ``data.rows``; "" is the whole.

    ``stated`` names those that lead to the number of rows.
    """

    records: str = ""
    stated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Xml:
    """Elements named ``record``, wherever they stand.

    A column is the path of an element below it, ``Issuer/Name``, or of an attribute, ``Issuer/@id``. Prefixes of
    namespaces do not count. ``stated`` is how the path ends at which the number of records is, wherever it begins.
    """

    record: str
    stated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Firds:
    """Reference data of financial instruments: ISO 20022 messages auth.017 (full) and auth.036 (changes).

    ``categories`` are the first letters of the instruments' CFI code (ISO 10962) that are read.
    """

    categories: str


Format = Csv | Xlsx | Json | Xml | Firds
