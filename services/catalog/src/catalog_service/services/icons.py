"""Icons: clean pictures of at most 512 pixels, stored under their digest."""

from typing import BinaryIO
from uuid import UUID

from catalog_service.errors import IconRefused, UnsupportedIcon
from catalog_service.repositories.app_reads import AppReads
from media.blobs import BlobStore
from media.errors import BlobError, Overloaded, PictureError, UnknownFormat
from media.picture import Rules
from media.processor import PictureProcessor
from servicekit.logs import get_logger
from servicekit.problems import NotFound, Unavailable

RULES = Rules(min_side=48, max_pixels=16_000_000, thumbnail_side=512)

log = get_logger(__name__)


class IconService:
    """Makes icons of uploaded pictures, and finds them again."""

    def __init__(self, apps: AppReads, pictures: PictureProcessor, blobs: BlobStore) -> None:
        self._apps = apps
        self._pictures = pictures
        self._blobs = blobs

    async def store(self, file: BinaryIO) -> str:
        """The digest of the icon made of this picture. What no app refers to in the end does no harm.

        Raises:
            UnsupportedIcon, IconRefused: see there.
            Unavailable: the blob store is away, or the machine too busy.
        """
        try:
            return await self._blobs.put((await self._pictures.process(file)).thumbnail)
        except UnknownFormat as error:
            raise UnsupportedIcon from error
        except PictureError as error:
            raise IconRefused(str(error)) from error
        except (BlobError, Overloaded) as error:
            log.warning("icon.not_stored", error=str(error))
            raise Unavailable("Icons can't be taken at the moment.") from error

    async def read(self, app_id: UUID, sha256: str) -> bytes:
        """The app's icon, WebP. Raises NotFound, also for one that was replaced, and Unavailable."""
        if not await self._apps.has_icon(app_id, sha256):
            raise NotFound("There is no such icon.")
        try:
            return await self._blobs.get(sha256)
        except BlobError as error:
            log.warning("icon.not_read", error=str(error))
            raise Unavailable("The icon can't be read at the moment.") from error
