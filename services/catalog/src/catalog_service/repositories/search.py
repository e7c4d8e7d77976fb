"""From what people type to a Postgres text query."""

from sqlalchemy import ARRAY, REAL, ColumnElement, String, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import TSQUERY

# A scalar subquery, so that it is made once and not for each row. NULL without any word, for which nothing is found.
_QUERY = select(
    func.search_query(bindparam("words", type_=String), bindparam("languages", type_=ARRAY(Text)), type_=TSQUERY)
).scalar_subquery()


def finds_all_words(search: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether ``search`` has, for each of the parameter ``words``, a word that begins with it.

    In the app's own texts, in those of one of the parameter ``languages``, or in the name of a category of the app.
    """
    return search.bool_op("@@")(_QUERY)


def relevance(search: ColumnElement[str]) -> ColumnElement[float]:
    """How well it suits: the name weighs more than the package, and that more than the summary."""
    return func.ts_rank(search, _QUERY, type_=REAL)


# For each word that is typed: whether any word of the catalogue begins with it, and which are a slip or two away.
SPELLING = """
    SELECT typed.word, ARRAY(
        SELECT word FROM search_word WHERE deletions && word_deletions(typed.word) ORDER BY word LIMIT 200
    ) AS near
    FROM unnest(words_of($1)) AS typed (word)
    WHERE length(typed.word) BETWEEN 4 AND 32
    AND NOT EXISTS (SELECT FROM search_word WHERE search_word.word ^@ typed.word)
"""
