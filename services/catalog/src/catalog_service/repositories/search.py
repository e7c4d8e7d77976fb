"""From what people type to a Postgres text query."""

from sqlalchemy import REAL, ColumnElement, String, collate, func, literal, literal_column

from catalog_service.models import SEPARATORS

_SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")


def words_query(text: ColumnElement[str]) -> ColumnElement[str]:
    """A ``tsquery`` for all the words of the text, each of them a beginning; NULL without any word.

    The text is taken apart by the same expression as the indexed one, so the two cannot disagree on what a word is.
    What is left of it holds no quote and no backslash: nothing in a quoted word can be an operator of the query.
    """
    spaced = func.regexp_replace(collate(text, "pg_c_utf8"), SEPARATORS, " ", "g")
    words = func.nullif(func.btrim(spaced), "", type_=String)
    query = literal("'", String).concat(func.replace(words, " ", "':* & '")).concat("':*")
    return func.to_tsquery(_SIMPLE, query)


def finds_all_words(search: ColumnElement[str], text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``search`` has, for each word of the text, a word that begins with it; without any word, nothing does."""
    return search.bool_op("@@")(words_query(text))


def relevance(search: ColumnElement[str], text: ColumnElement[str]) -> ColumnElement[float]:
    """How well it suits: the name weighs more than the package, and that more than the summary."""
    return func.ts_rank(search, words_query(text), type_=REAL)


# For each word that is typed: whether any word of the catalogue begins with it, and which are a slip or two away.
SPELLING = f"""
    SELECT typed.word, ARRAY(
        SELECT word FROM search_word WHERE deletions && word_deletions(typed.word) ORDER BY word LIMIT 200
    ) AS near
    FROM unnest(tsvector_to_array(
        to_tsvector('simple'::regconfig, regexp_replace($1 COLLATE pg_c_utf8, '{SEPARATORS}', ' ', 'g'))
    )) AS typed (word)
    WHERE length(typed.word) BETWEEN 4 AND 32
    AND NOT EXISTS (SELECT FROM search_word WHERE search_word.word ^@ typed.word)
"""  # noqa: S608 - the one thing put in is a constant
