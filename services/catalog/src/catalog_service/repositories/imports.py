"""The SQL of imports: the jobs, and the one transaction that brings a file's apps in.

On a connection of asyncpg's own, for its COPY: a file of 100 MB goes through a temporary table, never through memory.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

LEASE_SECONDS = 30
_COLUMNS = (
    "row", "package_name", "locale", "name", "summary", "description", "texts", "categories", "sha256",
)  # fmt: skip
_STAGING = """
    CREATE TEMPORARY TABLE incoming (
        row bigint, package_name text, locale text, name text, summary text, description text, texts jsonb,
        categories text[], sha256 text, app_id uuid, is_new boolean
    ) ON COMMIT DROP
"""
_TWICE = """
    DELETE FROM incoming AS later USING incoming AS first
    WHERE later.package_name = first.package_name AND later.row > first.row
    RETURNING later.row, later.package_name
"""
_UNKNOWN_CATEGORIES = """
    DELETE FROM incoming WHERE EXISTS (
        SELECT FROM unnest(categories) AS slug WHERE NOT EXISTS (SELECT FROM category WHERE category.slug = slug.slug)
    ) RETURNING row, package_name
"""
# In the order of ids, as everybody who locks several apps has to.
_LOCK = "SELECT id FROM app JOIN incoming USING (package_name) ORDER BY id FOR UPDATE OF app"
_UNCHANGED = """
    DELETE FROM incoming USING app
    WHERE app.package_name = incoming.package_name AND app.content_sha256 = incoming.sha256
"""
_MATCH = "UPDATE incoming SET app_id = app.id, is_new = false FROM app WHERE app.package_name = incoming.package_name"
_NOTE = """
    INSERT INTO admin_change (subject_id, action, fields, changed_by)
    SELECT app.id, 'import', jsonb_strip_nulls(jsonb_build_object(
        'import', $2::text,
        'name', CASE WHEN app.name <> incoming.name THEN jsonb_build_array(app.name, incoming.name) END,
        'summary', CASE WHEN app.summary <> incoming.summary THEN jsonb_build_array(app.summary, incoming.summary) END,
        'description', CASE WHEN app.description <> incoming.description
                            THEN jsonb_build_array(app.description, incoming.description) END
    )), $1 FROM incoming JOIN app ON app.id = incoming.app_id
"""
_UPDATE = """
    UPDATE app SET name = incoming.name, summary = incoming.summary, description = incoming.description,
        locale = incoming.locale, content_sha256 = incoming.sha256, changed_by = $1, updated_at = clock_timestamp()
    FROM incoming WHERE app.id = incoming.app_id
"""
_OLD_TEXTS = "DELETE FROM app_text USING incoming WHERE app_text.app_id = incoming.app_id AND NOT incoming.is_new"
# The first slug is the app's own category, or the subcategory in it; a subcategory brings its parent along.
_CREATE = """
    WITH made AS (
    INSERT INTO app (package_name, locale, name, summary, description, content_sha256, points, status, category_id,
                     subcategory_id, more_categories, created_by, changed_by)
    SELECT package_name, locale, incoming.name, summary, description, sha256, $2, 'draft', own.category_id,
           own.subcategory_id, further.slugs, $1, $1
    FROM incoming
    CROSS JOIN LATERAL (
        SELECT coalesce(first.parent_id, first.id) AS category_id,
               CASE WHEN first.parent_id IS NOT NULL THEN first.id ELSE second.id END AS subcategory_id,
               first.slug AS first_slug, second.slug AS second_slug
        FROM category AS first
        LEFT JOIN category AS second ON second.parent_id = first.id AND second.slug = incoming.categories[2]
        WHERE first.slug = coalesce(incoming.categories[1], 'other')
    ) AS own
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(slug ORDER BY slug), '{}') AS slugs FROM unnest(categories) AS slug
        WHERE slug <> own.first_slug AND slug IS DISTINCT FROM own.second_slug
    ) AS further
    WHERE app_id IS NULL ORDER BY row
    ON CONFLICT (package_name) DO NOTHING
    RETURNING id, package_name
    )
    UPDATE incoming SET app_id = made.id, is_new = true FROM made WHERE made.package_name = incoming.package_name
"""
_PRICES = "INSERT INTO app_price (app_id, points, changed_by) SELECT app_id, $2, $1 FROM incoming WHERE is_new"
_NOTE_NEW = """
    INSERT INTO admin_change (subject_id, action, fields, changed_by)
    SELECT app_id, 'import',
           jsonb_build_object('import', $2::text, 'package_name', jsonb_build_array(NULL, package_name)), $1
    FROM incoming WHERE is_new
"""
_TEXTS = """
    INSERT INTO app_text (app_id, locale, name, summary, description)
    SELECT app_id, text.key, text.value ->> 'name', text.value ->> 'summary', text.value ->> 'description'
    FROM incoming CROSS JOIN LATERAL jsonb_each(texts) AS text WHERE app_id IS NOT NULL
"""
_FINISH = """
    UPDATE import_job SET status = $2, total = $3, created = $4, updated = $5, unchanged = $6, rejected = $7,
        errors = $8::jsonb, detail = $9, finished_at = clock_timestamp()
    WHERE id = $1 AND status = 'running'
"""
# One that changed nothing is no change.
_NOTE_RUN = """
    INSERT INTO admin_change (subject_id, action, fields, changed_by, changed_at)
    SELECT id, 'run-import', jsonb_build_object('format', jsonb_build_array(NULL, format),
        'created', jsonb_build_array(0, created), 'updated', jsonb_build_array(0, updated)), created_by, finished_at
    FROM import_job WHERE id = $1 AND created + updated > 0
"""


class ImportJobs:
    """The rows of ``import_job``, each statement a transaction of its own."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def start(self, kind: str, *, dry_run: bool, by: UUID) -> UUID:
        """A new job, leased to the caller."""
        query = """
            INSERT INTO import_job (format, dry_run, status, created_by, leased_until)
            VALUES ($1, $2, 'running', $3, now() + make_interval(secs => $4)) RETURNING id
        """
        job_id: UUID = await self._pool.fetchval(query, kind, dry_run, by, float(LEASE_SECONDS))
        return job_id

    async def renew(self, job_id: UUID, total: int, rejected: int) -> None:
        """Say that the job is still worked on, and how far it is."""
        query = """
            UPDATE import_job SET leased_until = now() + make_interval(secs => $2), total = $3, rejected = $4
            WHERE id = $1 AND status = 'running'
        """
        await self._pool.execute(query, job_id, float(LEASE_SECONDS), total, rejected)

    async def get(self, job_id: UUID) -> dict[str, Any] | None:
        """The job. One whose lease is over is marked as failed first: nobody works on it any more."""
        query = """
            UPDATE import_job SET status = 'failed', finished_at = now(),
                detail = 'It was interrupted and changed nothing: send the file again.'
            WHERE status = 'running' AND leased_until < now()
        """
        await self._pool.execute(query)
        row = await self._pool.fetchrow("SELECT * FROM import_job WHERE id = $1", job_id)
        return None if row is None else {**row, "errors": msgspec.json.decode(row["errors"])}

    async def finish(self, job_id: UUID, status: str, report: "Report", detail: str | None = None) -> None:
        """Write down what came of it."""
        await self._pool.execute(_FINISH, job_id, status, *report.columns(), detail)


class Report(msgspec.Struct):
    """What an import did, or would do."""

    total: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[dict[str, Any]] = []

    def reject(self, row: int, package_name: str | None, detail: str, *, most: int = 1000) -> None:
        """Count a row that is left out; the first ``most`` are reported one by one."""
        self.rejected += 1
        if len(self.errors) < most:
            self.errors.append({"row": row, "package_name": package_name, "detail": detail})

    def columns(self) -> Sequence[Any]:
        """The values of ``_FINISH`` after the status."""
        errors = msgspec.json.encode(sorted(self.errors, key=lambda error: int(error["row"]))).decode()
        return self.total, self.created, self.updated, self.unchanged, self.rejected, errors


class Staging:
    """The transaction of an import: rows are put in, then published all at once."""

    def __init__(self, connection: "asyncpg.Connection[Any]", job_id: UUID, by: UUID) -> None:
        self._connection = connection
        self._job_id = job_id
        self._by = by

    async def open(self) -> None:
        """Make the temporary table. One import at a time: the second waits for the first."""
        execute = self._connection.execute
        await execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        await execute("SET LOCAL idle_in_transaction_session_timeout = '5min'")
        await execute("SELECT pg_advisory_xact_lock(20261122)")
        await execute(_STAGING)

    async def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Put rows in: number, package, locale, the three texts, translations as JSON, category slugs, digest."""
        await self._connection.copy_records_to_table("incoming", records=rows, columns=_COLUMNS)

    async def publish(self, report: Report, points: int) -> None:
        """Bring the rows into the catalogue, and count."""
        fetch, execute, by = self._connection.fetch, self._connection.execute, self._by
        await execute("CREATE INDEX ON incoming (package_name); ANALYZE incoming")
        for query, fault in ((_TWICE, "The package appears above already"), (_UNKNOWN_CATEGORIES, "Unknown category")):
            for row, package in await fetch(query):
                report.reject(row, package, fault)
        await execute("SELECT FROM category ORDER BY id FOR KEY SHARE")
        # Before the lock, which would leave its mark on each row. Only imports set the digest, one after the other.
        report.unchanged = _affected(await execute(_UNCHANGED))
        await execute(_LOCK)
        report.updated = _affected(await execute(_MATCH))
        await execute(_NOTE, by, str(self._job_id))
        await execute(_UPDATE, by)
        await execute(_OLD_TEXTS)
        report.created = _affected(await execute(_CREATE, by, points))
        await execute(_PRICES, by, points)
        await execute(_NOTE_NEW, by, str(self._job_id))
        await execute(_TEXTS)
        # Somebody may have added the same package by hand in the meantime.
        report.unchanged += int(await self._connection.fetchval("SELECT count(*) FROM incoming WHERE app_id IS NULL"))

    async def finish(self, report: Report) -> bool:
        """The job has succeeded, in the transaction of its effect. False: it was given up by somebody else."""
        tag = await self._connection.execute(_FINISH, self._job_id, "succeeded", *report.columns(), None)
        await self._connection.execute(_NOTE_RUN, self._job_id)
        return _affected(tag) == 1


def _affected(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
