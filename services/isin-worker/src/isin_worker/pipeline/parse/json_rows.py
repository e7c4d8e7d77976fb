"""Rows of a JSON file: one for each object in an array."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

import ijson

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Json
from isin_worker.pipeline.parse.rows import Row, fold, records_as_rows, wanted_columns


def json_rows(file: IO[bytes], feed: Feed, form: Json) -> Iterator[Row]:
    """The rows, numbered by record. Raises UnreadableList, and HeaderDrift when no record has a declared column."""
    return records_as_rows(_records(file, form), wanted_columns(feed))


def _records(file: IO[bytes], form: Json) -> Iterator[Mapping[str, str]]:
    place = f"{form.records}.item" if form.records else "item"
    try:
        for record in ijson.items(file, place, use_float=True):
            yield {fold(key): _text(value) for key, value in record.items()} if isinstance(record, dict) else {}
    except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableList(f"no JSON: {str(error).splitlines()[0]}") from error


def _text(value: Any) -> str:
    """A value as a cell: what is not there is empty, and what has parts of its own can't be one."""
    return "" if value is None or isinstance(value, (dict, list)) else str(value)
