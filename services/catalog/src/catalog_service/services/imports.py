"""Imports as jobs: a whole file in one transaction, or nothing of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from catalog_service.repositories.imports import LEASE_SECONDS, ImportJobs, Report, Staging
from catalog_service.schemas import ImportFormat, ImportOut
from catalog_service.services.import_rows import BrokenFile, Row, rows
from servicekit.logs import get_logger
from servicekit.problems import NotFound

BATCH = 500

log = get_logger(__name__)


class ImportService:
    """Runs imports beside the requests, as tasks of this process."""

    def __init__(self, pool: Any, *, points: int) -> None:
        self._pool = pool
        self._jobs = ImportJobs(pool)
        self._points = points
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, file: BinaryIO, kind: ImportFormat, *, dry_run: bool, by: UUID) -> UUID:
        """Begin an import of ``file``, which is closed in any case. Returns the job's id."""
        try:
            job_id = await self._jobs.start(kind, dry_run=dry_run, by=by)
        except BaseException:
            file.close()
            raise
        task = asyncio.create_task(self._run(job_id, file, kind, dry_run=dry_run, by=by))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.sleep(0)  # a task that is cancelled before it began could not write down that it was
        return job_id

    async def get(self, job_id: UUID) -> ImportOut:
        """How far the import is, or what came of it. Raises NotFound."""
        job = await self._jobs.get(job_id)
        if job is None:
            raise NotFound("There is no such import.")
        return ImportOut.model_validate(job)

    async def wait(self) -> None:
        """Until every import that was started here has ended."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Interrupt what still runs: its transaction is rolled back, and the job says so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, job_id: UUID, file: BinaryIO, kind: ImportFormat, *, dry_run: bool, by: UUID) -> None:
        report = Report()
        try:
            with file:
                async with self._lease(job_id, report):
                    await self._bring_in(job_id, rows(file, kind), report, dry_run=dry_run, by=by)
            if dry_run:
                await self._jobs.finish(job_id, "succeeded", report)
            log.info("import.succeeded", job_id=str(job_id), created=report.created, updated=report.updated)
        except BrokenFile as error:
            await self._give_up(job_id, report, str(error))
        except asyncio.CancelledError:
            await self._give_up(job_id, report, "It was interrupted and changed nothing: send the file again.")
            raise
        except Exception:
            log.exception("import.failed", job_id=str(job_id))
            await self._give_up(job_id, report, "It failed on our side and changed nothing.")

    async def _bring_in(self, job_id: UUID, lines: Iterator[Row], report: Report, *, dry_run: bool, by: UUID) -> None:
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            done = False
            try:
                staging = Staging(connection, job_id, by)
                await staging.open()
                while batch := await asyncio.to_thread(_batch, lines):
                    report.total += len(batch)
                    for row in batch:
                        if row.fault is not None:
                            report.reject(row.number, row.package_name, row.fault)
                    await staging.add([_record(row) for row in batch if row.fault is None])
                await staging.publish(report, self._points)
                done = not dry_run and await staging.finish(report)
            finally:
                await (transaction.commit() if done else transaction.rollback())

    async def _give_up(self, job_id: UUID, report: Report, detail: str) -> None:
        report.created = report.updated = report.unchanged = 0
        await self._jobs.finish(job_id, "failed", report, detail)

    @asynccontextmanager
    async def _lease(self, job_id: UUID, report: Report) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await self._jobs.renew(job_id, report.total, report.rejected)
                await asyncio.sleep(min(1.0, LEASE_SECONDS / 6))

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _batch(lines: Iterator[Row]) -> list[Row]:
    return list(islice(lines, BATCH))


def _record(row: Row) -> tuple[Any, ...]:
    assert row.text is not None  # noqa: S101 - a row without a fault has its texts
    texts = {locale: text.model_dump() for locale, text in (row.texts or {}).items()}
    own = (row.text.name, row.text.summary, row.text.description)
    encoded = msgspec.json.encode(texts).decode()
    return (row.number, row.package_name, row.locale, *own, encoded, list(row.categories), row.sha256())
