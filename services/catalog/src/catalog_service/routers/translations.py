"""/api/v1/apps/{id}/translations."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from catalog_service.dependencies import Admin, IfMatch, Translations
from catalog_service.schemas import Locale, TranslationIn, TranslationOut
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/apps/{app_id}/translations")

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such app, or no such translation"}}
STALE: dict[int | str, dict[str, Any]] = {412: {"description": "Somebody changed the app since you read it"}}


@router.get("", responses=NOT_FOUND)
async def list_translations(app_id: UUID, _admin: Admin, translations: Translations) -> Page[TranslationOut]:
    """The texts of the app in further languages, all on one page."""
    return await translations.all(app_id)


@router.put("/{locale}", status_code=204, responses={**NOT_FOUND, **STALE})
async def put_translation(
    app_id: UUID,
    locale: Locale,
    body: TranslationIn,
    admin: Admin,
    translations: Translations,
    if_match: IfMatch = None,
) -> None:
    """Set the texts in this language. Readers get them when their `Accept-Language` asks for it."""
    await translations.put(app_id, locale, body, if_match=if_match, by=admin.user_id)


@router.delete(
    "/{locale}",
    status_code=204,
    responses={**NOT_FOUND, **STALE, 428: {"description": "If-Match is missing: the ETag of the app"}},
)
async def delete_translation(
    app_id: UUID, locale: Locale, admin: Admin, translations: Translations, if_match: IfMatch = None
) -> None:
    """Take the texts in this language away."""
    await translations.remove(app_id, locale, if_match=if_match, by=admin.user_id)
