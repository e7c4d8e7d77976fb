"""The package name of an Android app, bare or in a link to its page in the Play Store."""

import re
from urllib.parse import parse_qs, urlsplit

from extractor.errors import PackageNameError

LONGEST_NAME = 223
"""Characters: the limit of Android's own installer, which makes file names of package names."""
_LONGEST_LINK = 2_048

_BLANK = re.compile(r"[\s\x00-\x20\x7f]")
_SEGMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LINK = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|play\.google\.com/)", re.IGNORECASE)


def package_name(text: str) -> str:
    """The package name that `text` is, or that it links to.

    Links are `https://play.google.com/store/apps/details?id=...` (the scheme may be missing) and
    `market://details?id=...`. Blanks around it do not count. The case is kept: names that differ in case are two.

    Raises PackageNameError with the reason, which never quotes the text. The rule is Android's for an application ID:
    two or more segments between dots, each a letter and then letters, digits or underscores, all ASCII; at most 223
    characters in all.
    """
    stripped = text.strip()
    if not stripped:
        raise PackageNameError("the package name is empty")
    if len(stripped) > _LONGEST_LINK:
        raise PackageNameError(f"longer than {_LONGEST_LINK} characters: neither a package name nor a Play Store link")
    if _BLANK.search(stripped):
        raise PackageNameError("a package name or a Play Store link has no blank in it")
    name = _id_in_link(stripped) if _LINK.match(stripped) else stripped
    _check(name)
    return name


def _id_in_link(link: str) -> str:
    try:
        parts = urlsplit(link if ":" in link.partition("/")[0] else f"https://{link}")
        host = parts.hostname
    except ValueError:
        raise PackageNameError("not a link that can be read") from None
    path = parts.path.rstrip("/")
    in_store = parts.scheme in {"http", "https"} and host == "play.google.com"
    if not (in_store and f"{path}/".startswith("/store/apps/details/")) and not (
        parts.scheme == "market" and host == "details" and not path
    ):
        right = "https://play.google.com/store/apps/details?id=... or market://details?id=..."
        raise PackageNameError(f"not a link to an app in the Play Store, which is {right}")
    names = set(parse_qs(parts.query).get("id", []))
    if len(names) != 1:
        raise PackageNameError(f"the link must name one app by id=..., and it names {len(names) or 'none'}")
    return names.pop()


def _check(name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise PackageNameError(f"a package name has at most {LONGEST_NAME} characters, this one {len(name)}")
    segments = name.split(".")
    if len(segments) < 2:
        raise PackageNameError("a package name has two or more segments between dots, as in com.example")
    for number, segment in enumerate(segments, start=1):
        if not _SEGMENT.fullmatch(segment):
            rule = "each segment of a package name is a letter, then letters, digits or underscores"
            raise PackageNameError(f"{rule}; number {number} is not")
