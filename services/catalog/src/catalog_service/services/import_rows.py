"""From a file to rows, one at a time: F-Droid's index of version 2, and CSV. Nothing here touches the database."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson
from pydantic import TypeAdapter, ValidationError

from catalog_service.schemas import ImportFormat, Locale, PackageName, Slug, TranslationIn

_PACKAGE: TypeAdapter[str] = TypeAdapter(PackageName)
_LOCALE: TypeAdapter[str] = TypeAdapter(Locale)
_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_MOST_TRANSLATIONS = 200

# F-Droid's categories, and the slug of ours that is nearest. Further ones of an app become its further categories.
CATEGORIES = {
    "Browser": "browsers", "Connectivity": "communication", "Development": "tools", "Games": "games",
    "Graphics": "photography", "Internet": "communication", "Money": "finance", "Multimedia": "entertainment",
    "Navigation": "maps", "Phone & SMS": "calls", "Reading": "books", "Science & Education": "education",
    "Security": "security", "Sports & Health": "health", "System": "tools", "Theming": "tools", "Time": "calendars",
    "Writing": "notes",
}  # fmt: skip


class BrokenFile(Exception):
    """The file can't be read to its end; the text says why and may be shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """An app as the file has it. ``fault`` says why it can't be taken; then only the package name is set, if known."""

    number: int
    package_name: str | None
    fault: str | None = None
    locale: str = "en"
    text: TranslationIn | None = None
    texts: Mapping[str, TranslationIn] | None = None
    categories: tuple[str, ...] = ()

    def sha256(self) -> str:
        """The digest of what an import brings again and again: the texts."""
        texts = {locale: text.model_dump() for locale, text in sorted((self.texts or {}).items())}
        own = self.text.model_dump() if self.text else {}
        return hashlib.sha256(json.dumps([self.locale, own, texts], sort_keys=True).encode()).hexdigest()


def rows(file: BinaryIO, kind: ImportFormat) -> Iterator[Row]:
    """The rows of the file, read as they are asked for. Raises BrokenFile, maybe after many good rows."""
    read = _fdroid if kind == "fdroid-index-v2" else _csv
    number = 0
    for number, (package, fields) in enumerate(read(file), 1):
        yield _row(number, package, fields)
    if number == 0:
        raise BrokenFile("There is not a single app in the file.")


def _row(number: int, package: object, fields: Mapping[str, Any]) -> Row:
    try:
        name = _PACKAGE.validate_python(package)
    except ValidationError:
        return Row(number, None, "Not an Android package name")
    try:
        return _app(number, name, fields)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        return Row(number, name, f"{place}: {fault['msg'].removeprefix('Value error, ')}".removeprefix(": "))
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        return Row(number, name, str(error) if type(error) is ValueError else "Not of the form that the format names")


def _app(number: int, package: str, fields: Mapping[str, Any]) -> Row:
    parts = {part: _by_locale(fields.get(part)) for part in ("name", "summary", "description")}
    own = _own_locale([*parts["name"]] or [locale for part in parts.values() for locale in part])
    text = TranslationIn.model_validate({part: values.get(own, "") for part, values in parts.items()})
    others = sorted({locale for values in parts.values() for locale in values} - {own})
    if len(others) > _MOST_TRANSLATIONS:
        raise ValueError(f"more than {_MOST_TRANSLATIONS} translations")
    texts = {
        # What a language lacks is taken from the app's own.
        locale: TranslationIn.model_validate(
            {part: values.get(locale) or getattr(text, part) for part, values in parts.items()}
        )
        for locale in others
    }
    slugs = [_SLUG.validate_python(slug) for slug in fields.get("slugs", ())]
    return Row(number, package, None, own, text, texts, tuple(dict.fromkeys(slugs)))


def _by_locale(values: Any) -> dict[str, Any]:
    """Texts by language tag; a tag that is none is left out, as no reader could ask for it."""
    found = {}
    for tag, value in (values or {}).items():
        language, _, region = str(tag).replace("_", "-").partition("-")
        try:
            found[_LOCALE.validate_python(f"{language.lower()}-{region}".rstrip("-"))] = value
        except ValidationError:
            continue
    return found


def _own_locale(known: list[str]) -> str:
    if not known:
        return "en"
    return min(known, key=lambda locale: (locale != "en-US", locale != "en", not locale.startswith("en-"), locale))


def _fdroid(file: BinaryIO) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        for package, entry in ijson.kvitems(file, "packages"):
            metadata = entry.get("metadata") if isinstance(entry, dict) else None
            if not isinstance(metadata, dict):
                yield package, {"name": 0}
                continue
            named = metadata.get("categories")
            slugs = [CATEGORIES[name] for name in named if name in CATEGORIES] if isinstance(named, list) else []
            yield package, {**metadata, "slugs": slugs}
    except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenFile("The file is not well-formed JSON, or it is not complete.") from error


def _csv(file: BinaryIO) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        reader = csv.DictReader(text, strict=True)
        missing = {"package_name", "name"} - {(name or "").strip() for name in reader.fieldnames or ()}
        if missing:
            raise BrokenFile(f"The header lacks {' and '.join(sorted(missing))}.")
        reader.fieldnames = [(name or "").strip() for name in reader.fieldnames or ()]
        for line in reader:
            if None in line or None in line.values():
                yield line.get("package_name"), {"name": 0}
                continue
            locale = line.get("locale") or "en"
            columns = [line.get("category"), line.get("subcategory"), *(line.get("more_categories") or "").split("|")]
            texts = {part: {locale: line.get(part, "")} for part in ("name", "summary", "description")}
            yield line["package_name"], {**texts, "slugs": [slug.strip() for slug in columns if slug and slug.strip()]}
    except (csv.Error, UnicodeDecodeError) as error:
        raise BrokenFile("The file is not well-formed CSV in UTF-8.") from error
    finally:
        text.detach()
