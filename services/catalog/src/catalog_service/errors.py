"""The failures that only the catalogue knows."""

from servicekit.problems import Conflict, Gone, RuleViolation, UnsupportedMediaType


class PackageExists(Conflict):
    """An app with this package name is in the catalogue already, maybe as a draft or archived: find it with
    `GET /api/v1/apps/by-package/{package_name}` and change it. Names that differ in case are two packages."""

    code, title = "package-exists", "The package is in the catalogue already"


class AppArchived(Conflict):
    """The app is archived, and an archived app never comes back. What people earned with it stays theirs."""

    code, title = "app-archived", "The app is archived"


class CategoryExists(Conflict):
    """A category with this slug is in the tree already, on either level."""

    code, title = "category-exists", "The category exists already"


class CategoryInUse(Conflict):
    """Apps stand in this category, maybe drafts or archived ones, or it has children. Move them first: an app that is
    archived can still be changed."""

    code, title = "category-in-use", "The category is in use"


class ChangesTooOld(Gone):
    """`since` is older than the feed reaches back, or of another copy of the catalogue. Read the whole feed again,
    without `since`, and put it in the place of what you have."""

    code, title = "changes-too-old", "The feed does not reach back so far"


class UnsupportedIcon(UnsupportedMediaType):
    """The content is not a PNG, JPEG or WebP picture. What the request calls it does not count."""

    code, title = "unsupported-icon", "Not a PNG, JPEG or WebP picture"


class IconRefused(RuleViolation):
    """The picture can't be an icon: it is damaged or animated, its shorter side has less than 48 pixels, or it has
    more than 16 million. `detail` says which."""

    code, title = "icon-refused", "The picture can't be an icon"
