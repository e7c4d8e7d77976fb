"""Sending a proof, and looking at its picture."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from media.blobs import BlobStore, digest_of
from media.errors import BlobError, Overloaded, PictureError, UnknownFormat
from media.picture import Picture
from media.processor import PictureProcessor
from rewards_service.errors import (
    PictureRefused,
    ProofNotExpected,
    ProofNotFound,
    TaskNotFound,
    UnsupportedPicture,
)
from rewards_service.models import Proof, Task
from rewards_service.repositories.proofs import ProofRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.repositories.uploads import UploadRepository
from rewards_service.schemas.tasks import ProofOut
from rewards_service.services.idempotency import Answer, Call, Once
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.problems import FieldProblem, Unavailable
from servicekit.tokens import Principal

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the blob store, as its proof's row describes it."""

    uploads: list[UUID]
    columns: dict[str, Any]


class ProofService:
    """Proofs. No transaction is open while a body is read, a picture decoded, or a blob stored."""

    def __init__(self, database: Database, pictures: PictureProcessor, blobs: BlobStore) -> None:
        self._database = database
        self._once = Once(database)
        self._pictures = pictures
        self._blobs = blobs

    async def admit(self, user_id: UUID, task_id: UUID, route: str, key: str) -> None:
        """Say whether a proof is worth reading at all: the task takes one, or the key has an answer already.

        Raises:
            TaskNotFound, ProofNotExpected: see there.
        """
        try:
            async with self._database.transaction() as session:
                tasks = TaskRepository(session)
                await tasks.expire_overdue(user_id)
                _expect_proof(await tasks.of_user(user_id, task_id), await tasks.now())
        except ProofNotExpected:
            # Asked after the task: had the same request submitted it in between, its answer would be there too.
            if not await self._once.used(user_id, route, key):
                raise

    async def submit(self, call: Call, task_id: UUID, file: BinaryIO, file_sha256: str) -> Answer:
        """Make a clean picture of ``file``, store it, and hand the task to the reviewers.

        Raises:
            UnsupportedPicture, PictureRefused, TaskNotFound, ProofNotExpected: see there.
            Unavailable: the blob store is away, or the machine too busy.
        """
        known = await self._once.known(call)
        if known is not None:
            return known
        stored = await self._store(file)

        async def effect(session: AsyncSession) -> Answer:
            proof = await _add(session, call.user_id, task_id, file_sha256, stored)
            return Answer.of(201, ProofOut.model_validate(proof), location=f"/api/v1/proofs/{proof.id}/image")

        return await self._once.run(call, effect)

    async def _store(self, file: BinaryIO) -> Stored:
        try:
            return await self._put(await self._pictures.process(file))
        except UnknownFormat as error:
            raise UnsupportedPicture(str(error)) from error
        except PictureError as error:
            fault = FieldProblem(pointer="/file", code=_code_of(error), detail=str(error))
            raise PictureRefused(errors=[fault]) from error
        except (BlobError, Overloaded) as error:
            log.warning("proof.not_stored", error=str(error))
            raise Unavailable("Pictures can't be taken at the moment.") from error

    async def _put(self, picture: Picture) -> Stored:
        """Store the picture, which is then let go: those who wait for the database hold no pictures."""
        image_sha256, thumbnail_sha256 = digest_of(picture.content), digest_of(picture.thumbnail)
        async with self._database.transaction() as session:
            uploads = await UploadRepository(session).begin(image_sha256, thumbnail_sha256)
        await self._blobs.put(picture.content)
        await self._blobs.put(picture.thumbnail)
        return Stored(
            uploads,
            {
                "image_sha256": image_sha256,
                "thumbnail_sha256": thumbnail_sha256,
                "pixels_sha256": picture.pixels_sha256,
                "dhash": picture.dhash,
                "width": picture.width,
                "height": picture.height,
            },
        )

    async def find(self, principal: Principal, proof_id: UUID) -> Proof:
        """A proof that the caller may look at: their own, or any for reviewers. Raises ProofNotFound."""
        async with self._database.transaction() as session:
            found = await ProofRepository(session).with_owner(proof_id)
        if found is None or (found[1] != principal.user_id and "reviewer" not in principal.roles):
            raise ProofNotFound
        return found[0]

    async def read(self, digest: str) -> bytes:
        """A stored picture. Raises Unavailable."""
        try:
            return await self._blobs.get(digest)
        except BlobError as error:
            log.warning("blob.failed", error=str(error))
            raise Unavailable("The picture can't be read at the moment.") from error


def _expect_proof(task: Task | None, now: datetime) -> Task:
    if task is None:
        raise TaskNotFound
    if task.status == "rejected" and task.attempts_left == 0:
        raise ProofNotExpected("No attempts are left.")
    if task.status not in {"started", "rejected"}:
        raise ProofNotExpected(f"The task is {task.status}.")
    if task.expires_at <= now:
        raise ProofNotExpected(f"The time for another proof ended at {task.expires_at:%Y-%m-%dT%H:%M:%SZ}.")
    return task


async def _add(session: AsyncSession, user_id: UUID, task_id: UUID, file_sha256: str, stored: Stored) -> Proof:
    tasks = TaskRepository(session)
    await tasks.expire_overdue(user_id)
    task = await tasks.locked(task_id)
    task = _expect_proof(task if task is not None and task.user_id == user_id else None, await tasks.now())
    proof = await ProofRepository(session).add(
        task_id=task_id,
        app_id=task.app_id,
        attempt=task.attempts + 1,
        file_sha256=file_sha256,
        **stored.columns,
    )
    await UploadRepository(session).end(stored.uploads)
    await tasks.submit(task, proof.id)
    return proof


def _code_of(error: PictureError) -> str:
    return {"TooSmall": "too-small", "TooLarge": "too-large", "Animated": "animated"}.get(
        type(error).__name__, "undecodable"
    )
