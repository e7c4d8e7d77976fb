"""The texts of an app in further languages, for administrators."""

from uuid import UUID

from catalog_service.repositories.apps import AppRepository
from catalog_service.repositories.audit import AuditRepository
from catalog_service.schemas import AppOut, TranslationIn, TranslationOut
from servicekit.conditional import require_match
from servicekit.problems import FieldProblem, NotFound, RuleViolation
from servicekit.schemas import Page

MOST = 200


class TranslationService:
    """Each change of a translation is a change of the app: a new version, and a line in its audit."""

    def __init__(self, apps: AppRepository, audit: AuditRepository) -> None:
        self._apps = apps
        self._audit = audit

    async def all(self, app_id: UUID) -> Page[TranslationOut]:
        """Every translation, on one page. Raises NotFound."""
        if await self._apps.get(app_id) is None:
            raise NotFound("There is no such app.")
        return Page(items=[TranslationOut.model_validate(row) for row in await self._apps.texts(app_id)])

    async def put(self, app_id: UUID, locale: str, text: TranslationIn, *, if_match: str | None, by: UUID) -> None:
        """Set the texts in this language. Raises NotFound, PreconditionFailed, and RuleViolation beyond ``MOST``."""
        app, present = await self._locked(app_id)
        if if_match is not None:
            require_match(if_match, app)
        if locale == app.locale:
            raise _fault("These are the app's own texts: change them in the app itself")
        if locale not in present and len(present) >= MOST:
            raise _fault(f"An app has {MOST} translations at most")
        new = text.model_dump()
        if present.get(locale) == new:
            return
        await self._apps.put_text(app_id, locale, new)
        await self._note(app_id, locale, present.get(locale), new, by=by)

    async def remove(self, app_id: UUID, locale: str, *, if_match: str | None, by: UUID) -> None:
        """Take a translation away. Raises NotFound, PreconditionRequired and PreconditionFailed."""
        app, present = await self._locked(app_id)
        require_match(if_match, app)
        if locale not in present:
            raise NotFound("There is no such translation.")
        await self._apps.remove_text(app_id, locale)
        await self._note(app_id, locale, present[locale], None, by=by)

    async def _locked(self, app_id: UUID) -> tuple[AppOut, dict[str, dict[str, str]]]:
        row = await self._apps.get_for_change(app_id)
        if row is None:
            raise NotFound("There is no such app.")
        texts = {
            text.locale: {"name": text.name, "summary": text.summary, "description": text.description}
            for text in await self._apps.texts(app_id)
        }
        return AppOut.model_validate(row), texts

    async def _note(
        self, app_id: UUID, locale: str, old: dict[str, str] | None, new: dict[str, str] | None, *, by: UUID
    ) -> None:
        await self._apps.change(app_id, {}, by=by)
        await self._audit.add(app_id, "translation", {locale: [old, new]}, by=by)


def _fault(detail: str) -> RuleViolation:
    return RuleViolation(errors=[FieldProblem(pointer="/path/locale", code="locale", detail=detail)])
