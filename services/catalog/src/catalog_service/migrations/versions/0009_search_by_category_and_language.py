"""Apps are found by the names of their categories, too, and by their texts in the reader's languages.

Both stand in the index as words that begin with a colon, which no word of a text does: ``:<id or slug of a category>``
and ``:<language>:<word>``. A search looks up whose name begins with what was typed, so a renamed category needs no new
index. This writes the table of apps anew: about a minute for a million apps.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SEPARATORS = "[[:punct:][:space:][:cntrl:]]+"
WORDS = f"regexp_replace(({{column}} COLLATE pg_c_utf8), '{SEPARATORS}'::text, ' '::text, 'g'::text)"
OWN = " || ".join(
    f"setweight(to_tsvector('simple'::regconfig, {WORDS.format(column=column)}), '{weight}'::\"char\")"
    for column, weight in (("name", "A"), ("package_name", "B"), ("summary", "C"))
)
FUNCTIONS = (
    f"""
    CREATE FUNCTION words_of(written text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
        tsvector_to_array(to_tsvector('simple'::regconfig,
            regexp_replace(written COLLATE pg_c_utf8, '{SEPARATORS}', ' ', 'g')))
    """,
    """
    CREATE FUNCTION category_words(category_id uuid, subcategory_id uuid, more_categories text[]) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
        array_to_tsvector(ARRAY(
            SELECT ':' || tag FROM unnest(more_categories || ARRAY[category_id::text, subcategory_id::text]) AS tag
            WHERE tag IS NOT NULL
        ))
    """,
    # For each word: texts with a word that begins so, in the app's own language or one of the reader's, or a category.
    # No quote and no backslash is left in a word: nothing in it can be an operator of the query.
    """
    CREATE FUNCTION search_query(typed text, languages text[]) RETURNS tsquery
        LANGUAGE sql STABLE PARALLEL SAFE RETURN (
        SELECT string_agg('(' || concat_ws(' | ',
            format('''%s'':*', word),
            (SELECT string_agg(format(''':%s:%s'':*', tag, word), ' | ') FROM unnest(languages) AS tag),
            (SELECT string_agg(format(''':%s'' | '':%s''', id, slug), ' | ') FROM category
             WHERE EXISTS (SELECT FROM unnest(words_of(name || ' ' || slug)) AS part WHERE part ^@ word))
        ) || ')', ' & ')::tsquery
        FROM unnest(words_of(typed)) AS word
    )
    """,
    """
    CREATE FUNCTION app_text_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE app SET translated = found.words FROM (
            SELECT changed.app_id, array_to_tsvector(coalesce(
                array_agg(DISTINCT format(':%s:%s', lower(split_part(locale, '-', 1)), word)) FILTER (
                    WHERE word IS NOT NULL), '{}')) AS words
            FROM (SELECT DISTINCT app_id FROM touched) AS changed
            LEFT JOIN app_text USING (app_id)
            LEFT JOIN LATERAL unnest(words_of(name || ' ' || summary)) AS word ON true
            GROUP BY changed.app_id
        ) AS found
        WHERE app.id = found.app_id AND app.translated <> found.words;
        RETURN NULL;
    END $$
    """,
)
# As in 0008, but that what begins with a colon is no word.
COLLECT = """
    INSERT INTO search_word (word, deletions)
    SELECT word, word_deletions(word) FROM (
        SELECT DISTINCT unnest(tsvector_to_array(search)) AS word FROM {source}
    ) AS words
    WHERE length(word) BETWEEN 4 AND 32 AND word !~ '[0-9:]' AND NOT EXISTS (
        SELECT FROM search_word AS known WHERE known.word = words.word
    )
    ORDER BY word COLLATE "C"
    ON CONFLICT DO NOTHING
"""
CHANGED = "(SELECT later.search FROM later JOIN earlier USING (id) WHERE later.search <> earlier.search) AS changed"
PLACED = sa.text("more_categories <> '{}'::text[]")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("SET LOCAL statement_timeout = 0")
    for function in FUNCTIONS:
        op.execute(function)
    for name, source in (("added", "later"), ("changed", CHANGED)):
        op.execute(
            f"CREATE OR REPLACE FUNCTION app_words_{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN {COLLECT.format(source=source)}; RETURN NULL; END $$"
        )
    empty = sa.text("''::tsvector")
    op.add_column("app", sa.Column("translated", postgresql.TSVECTOR(), server_default=empty, nullable=False))
    op.execute(
        f"ALTER TABLE app ALTER COLUMN search SET EXPRESSION AS"
        f" ({OWN} || category_words(category_id, subcategory_id, more_categories) || translated)"
    )
    for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER app_text_words_{event.lower()} AFTER {event} ON app_text"
            f" REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION app_text_words()"
        )
    op.execute("UPDATE app_text SET locale = locale")  # lets the trigger look at what is there
    # Few apps are placed in further categories: the others need not wait for this index.
    op.drop_index("ix_app_more_categories", "app")
    op.create_index(
        "ix_app_more_categories", "app", ["more_categories"], postgresql_using="gin", postgresql_where=PLACED
    )
