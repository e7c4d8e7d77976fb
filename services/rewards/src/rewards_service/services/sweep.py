"""What is tidied up every minute: whatever time has run out for. Safe to run twice, and by several at once."""

from media.blobs import BlobStore
from media.errors import BlobError
from rewards_service.repositories.events import EventRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.repositories.uploads import UploadRepository
from rewards_service.services.chain import seal
from rewards_service.services.idempotency import forget_old_answers
from servicekit.db import Database
from servicekit.logs import get_logger

BATCH = 500

log = get_logger(__name__)


class Sweeper:
    """Does all that is due. What is due is in the database: nothing is lost when a sweep is, only later."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def sweep(self) -> dict[str, int]:
        """How much was done, by name."""
        done = {
            "tasks_expired": await self._expire_tasks(),
            "leases_ended": await self._end_leases(),
            "transactions_sealed": await seal(self._database),
            "answers_forgotten": await forget_old_answers(self._database),
            "events_forgotten": await self._forget_events(),
            "blobs_deleted": await self._delete_orphans(),
        }
        if any(done.values()):
            log.info("sweep.done", **done)
        return done

    async def _expire_tasks(self) -> int:
        total, expired = 0, BATCH
        while expired == BATCH:
            async with self._database.transaction() as session:
                expired = await TaskRepository(session).expire_all_overdue(BATCH)
            total += expired
        return total

    async def _end_leases(self) -> int:
        async with self._database.transaction() as session:
            return await TaskRepository(session).end_leases()

    async def _forget_events(self) -> int:
        total, forgotten = 0, BATCH
        while forgotten == BATCH:
            async with self._database.transaction() as session:
                forgotten = await EventRepository(session).forget_old(BATCH)
            total += forgotten
        return total

    async def _delete_orphans(self) -> int:
        """Delete the blobs of uploads that never became a proof. What can't be deleted now stays for the next time."""
        async with self._database.transaction() as session:
            abandoned = await UploadRepository(session).abandoned(BATCH)
        deleted = 0
        for upload_id, digest in abandoned:
            # The one transaction that waits for a store: its lock is on this digest, and keeps others from storing it.
            async with self._database.transaction() as session:
                uploads = UploadRepository(session)
                if await uploads.may_be_deleted(digest):
                    try:
                        await self._blobs.delete(digest)
                    except BlobError as error:
                        log.warning("orphan.not_deleted", error=str(error))
                        continue
                    deleted += 1
                await uploads.end([upload_id])
        return deleted
