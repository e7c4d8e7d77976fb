"""The words that stand in the catalogue, so that a slip of the finger can be told from a word that nobody uses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The word, and the word without each of its letters: two words that are one slip apart have one of these in common.
DELETIONS = """
    CREATE FUNCTION word_deletions(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
        ARRAY(SELECT DISTINCT overlay(word PLACING '' FROM place FOR 1) FROM generate_series(1, length(word)) AS place)
        || word
"""
# In order, so that two transactions that bring the same words do not wait for each other in a circle.
COLLECT = """
    INSERT INTO search_word (word, deletions)
    SELECT word, word_deletions(word) FROM (
        SELECT DISTINCT unnest(tsvector_to_array(search)) AS word FROM {source}
    ) AS words
    WHERE length(word) BETWEEN 4 AND 32 AND word !~ '[0-9]' AND NOT EXISTS (
        SELECT FROM search_word AS known WHERE known.word = words.word
    )
    ORDER BY word COLLATE "C"
    ON CONFLICT DO NOTHING
"""
CHANGED = "(SELECT later.search FROM later JOIN earlier USING (id) WHERE later.search <> earlier.search) AS changed"
FUNCTION = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {collect}; RETURN NULL; END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "search_word",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("deletions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_word")),
    )
    op.create_index("ix_search_word_deletions", "search_word", ["deletions"], postgresql_using="gin")
    op.execute(DELETIONS)
    op.execute(FUNCTION.format(name="app_words_added", collect=COLLECT.format(source="later")))
    op.execute(FUNCTION.format(name="app_words_changed", collect=COLLECT.format(source=CHANGED)))
    op.execute(
        "CREATE TRIGGER app_words_added AFTER INSERT ON app REFERENCING NEW TABLE AS later"
        " FOR EACH STATEMENT EXECUTE FUNCTION app_words_added()"
    )
    op.execute(
        "CREATE TRIGGER app_words_changed AFTER UPDATE ON app REFERENCING OLD TABLE AS earlier NEW TABLE AS later"
        " FOR EACH STATEMENT EXECUTE FUNCTION app_words_changed()"
    )
    op.execute(COLLECT.format(source="app"))
