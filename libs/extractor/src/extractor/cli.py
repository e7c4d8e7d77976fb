"""The command `extract`: what a pattern finds in a file or in standard input, as one list.

Exit codes: 0 done (also when nothing was found), 2 with one line on standard error, 130 after Ctrl-C, 141 when the
reader of the output went away.
"""

import argparse
import io
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn, TextIO

from extractor.errors import ExtractorError
from extractor.extraction import stream
from extractor.named import PATTERNS, named
from extractor.pattern import Pattern
from extractor.sources import Source

_AT_ONCE = 4_096
"""Values that are written together."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"extract: {message}; try extract --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a command line that makes no sense ends the process with code 2."""
    parser = _parser()
    options = parser.parse_intermixed_args(arguments)
    try:
        pattern, file = _asked_for(parser, options)
        # Not sys.stdout: that is None when closed, and writes again at exit what could not be written before.
        with open(1, "w", encoding="utf-8", closefd=False) as output:
            if pattern is None:
                output.writelines(f"{each.name:16} {each.summary}\n" for each in PATTERNS.values())
            else:
                _extract(pattern, file, options, output)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except ExtractorError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="extract",
        usage="extract NAME [FILE] | extract --pattern REGEX [FILE] | extract --list",
        description="Print what a pattern finds in FILE, or in standard input when it is - or left out, as one list.",
        epilog="The input is UTF-8 text of any size; the memory used does not grow with it.",
        allow_abbrev=False,
    )
    parser.add_argument("words", nargs="*", metavar="NAME FILE", help="a pattern's name (see --list), and what to read")
    parser.add_argument("--list", action="store_true", help="print the patterns that have a name")
    parser.add_argument(
        "--pattern",
        metavar="REGEX",
        help="a pattern of your own, in Python's syntax; its repeats need bounds, as in [0-9]{1,9}",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array instead of a Python list")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--strings", dest="as_type", action="store_const", const=str, help="numbers as strings, as they are written"
    )
    kind.add_argument("--integers", dest="as_type", action="store_const", const=int, help="values as integers")
    return parser


def _asked_for(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[Pattern | None, str]:
    """The pattern, or none when the list is wanted, and the file."""
    words = list(options.words)
    pattern = None
    if options.pattern is not None:
        pattern = Pattern("--pattern", options.pattern)
    elif words:
        pattern = named(words.pop(0))
    elif not options.list:
        parser.error("which pattern? Give the name of one (extract --list) or --pattern REGEX")
    if len(words) > 1:
        parser.error(f"one file at a time, not {len(words)}")
    return None if options.list else pattern, words[0] if words else "-"


def _extract(pattern: Pattern, file: str, options: argparse.Namespace, output: TextIO) -> None:
    source: Source = io.FileIO(0, closefd=False) if file == "-" else Path(file)
    values = stream(pattern, source, options.as_type)
    before = "["
    try:
        while some := list(islice(values, _AT_ONCE)):
            text = json.dumps(some, ensure_ascii=False) if options.json else repr(some)
            output.write(before + text[1:-1])
            before = ", "
    except ExtractorError as error:
        if before != "[":
            output.write("\n")  # the list stays open: it is not whole
        raise ExtractorError(f"{file}: {error}") from None
    output.write("[]\n" if before == "[" else "]\n")


def _fail(reason: str) -> int:
    print(f"extract: {reason}", file=sys.stderr)
    return 2
