"""From what people type to a Postgres text query."""

from sqlalchemy import ColumnElement, String, collate, func, literal, literal_column

from catalog_service.models import SEPARATORS

_SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")


def finds_all_words(search: ColumnElement[str], text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``search`` has, for each word of the text, a word that begins with it; without any word, nothing does.

    The text is taken apart by the same expression as the indexed one, so the two cannot disagree on what a word is.
    What is left of it holds no quote and no backslash: nothing in a quoted word can be an operator of the query.
    """
    spaced = func.regexp_replace(collate(text, "pg_c_utf8"), SEPARATORS, " ", "g")
    words = func.nullif(func.btrim(spaced), "", type_=String)
    query = literal("'", String).concat(func.replace(words, " ", "':* & '")).concat("':*")
    return search.bool_op("@@")(func.to_tsquery(_SIMPLE, query))
