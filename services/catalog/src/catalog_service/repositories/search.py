"""From what people type to a Postgres text query."""

import unicodedata


def prefix_query(text: str) -> str:
    """A query, for ``to_tsquery``, of those texts that have, for each word here, a word that begins with it.

    Every word is quoted and holds neither a quote nor a backslash, so nothing in it can be an operator. Without any
    word the query is empty, and an empty query finds nothing.
    """
    spaced = "".join(" " if _separates(character) else character for character in text)
    return " & ".join(f"'{word}':*" for word in spaced.split())


def _separates(character: str) -> bool:
    """As ``[[:punct:][:space:][:cntrl:]]`` of the column ``app.search``: punctuation, symbols, blanks, controls."""
    category = unicodedata.category(character)
    return category[0] in "PSZ" or category == "Cc"
