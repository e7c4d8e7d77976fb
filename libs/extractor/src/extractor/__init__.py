"""Named regular expressions over text, bytes, files and streams of any size."""

from extractor.android import package_name
from extractor.errors import (
    ExtractorError,
    IsinError,
    NotANumberError,
    NotUtf8Error,
    PackageNameError,
    PatternError,
    UnknownPatternError,
)
from extractor.extraction import Match, extract, find, stream
from extractor.isin import is_valid_isin, isin_check_digit
from extractor.named import PATTERNS, named
from extractor.pattern import Pattern
from extractor.sources import Source

__all__ = [
    "PATTERNS",
    "ExtractorError",
    "IsinError",
    "Match",
    "NotANumberError",
    "NotUtf8Error",
    "PackageNameError",
    "Pattern",
    "PatternError",
    "Source",
    "UnknownPatternError",
    "extract",
    "find",
    "is_valid_isin",
    "isin_check_digit",
    "named",
    "package_name",
    "stream",
]
