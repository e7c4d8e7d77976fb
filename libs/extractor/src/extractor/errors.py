"""What can go wrong. Every error is a ValueError with one line that says what was wrong and what would be right.

ExtractorError
├── UnknownPatternError   no pattern of that name
├── PatternError          a regular expression that a stream cannot hold
├── NotUtf8Error          bytes that are not UTF-8 text
├── NotANumberError       integers were asked for, and a value is none
├── PackageNameError      neither an Android package name nor a Play Store link
└── IsinError             not the shape of an ISIN
"""


class ExtractorError(ValueError):
    """The common parent, for callers that answer all of them alike."""


class UnknownPatternError(ExtractorError):
    """No pattern of that name; the text suggests names that are near."""


class PatternError(ExtractorError):
    """The regular expression does not compile, or a stream cannot hold it; see `Pattern` for what is demanded."""


class NotUtf8Error(ExtractorError):
    """The bytes are not UTF-8. `offset` counts the bytes before the first one that is wrong."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"not UTF-8 text: {reason} at byte {offset}")
        self.offset = offset


class NotANumberError(ExtractorError):
    """Integers were asked for, and a value is none that `int()` reads."""


class PackageNameError(ExtractorError):
    """Neither an Android package name nor a Play Store link that holds one."""


class IsinError(ExtractorError):
    """Not the shape of an ISIN."""
