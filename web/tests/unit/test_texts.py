"""The catalogue of texts: nothing missing, nothing left over."""

import re
from pathlib import Path

import pytest

import web
from web.pages import admin_apps, apps, review, tasks
from web.texts import ENGLISH, counted, text
from web.texts.english import PARTS
from web.views import TEMPLATES, number, own_image, store_link
from web.visits import own_path

SOURCES = [*TEMPLATES.glob("*.html"), *Path(str(web.__file__)).parent.rglob("*.py")]
CODE = "\n".join(path.read_text() for path in SOURCES if "texts" not in path.parts)
NAMED = set(re.findall(r"""\bt(?:ext)?\(\s*["']([\w.-]+)["'][,)]""", CODE))
# Put together from a value, as in t("state." ~ status): the part before it.
BEGINNINGS = tuple(
    sorted(set(re.findall(r"""\bt(?:ext)?(?:_or_none)?\(\s*f?["']([\w-]+\.(?:[\w-]+\.)*)(?:["'] ~|\{)""", CODE)))
)
COUNTED = set(re.findall(r"""counted\(["']([\w.]+)["']""", CODE))


def test_every_text_that_is_named_is_there() -> None:
    assert len(NAMED) > 150
    assert NAMED - ENGLISH.keys() == set()
    assert {f"{key}.{form}" for key in COUNTED for form in ("one", "other")} - ENGLISH.keys() == set()


def test_every_value_that_the_pages_know_has_a_text() -> None:
    wanted = {f"state.{state}" for state in tasks.STATES} | {f"state.{state}.words" for state in tasks.STATES}
    wanted |= {f"app_state.{state}" for state in admin_apps.STATES} | {f"reason.{code}" for code in review.REASONS}
    wanted |= {f"apps.sort.{sort}" for sort in apps.SORTS}
    assert wanted - ENGLISH.keys() == set()


def test_every_notice_that_is_sent_has_a_text() -> None:
    sent = set(re.findall(r'notice="([\w-]+)"', CODE))
    assert {f"notice.{name}" for name in sent} == {key for key in ENGLISH if key.startswith("notice.")}


def test_no_text_is_left_over() -> None:
    counted_forms = {f"{key}.{form}" for key in COUNTED for form in ("one", "other")}
    built = {key for key in ENGLISH if key.startswith(BEGINNINGS)}
    assert ENGLISH.keys() - NAMED - counted_forms - built == set()


def test_numbers_of_things() -> None:
    assert [counted("points", n) for n in (0, 1, 1250)] == ["0 points", "1 point", "1,250 points"]
    assert number(-1234567) == "\N{MINUS SIGN}1,234,567"


def test_what_is_filled_in_is_not_read_as_a_pattern() -> None:
    assert text("site.signed_in_as", name="{name}{0}") == "Signed in as {name}{0}"


@pytest.mark.parametrize("path", ["/", "/apps", "/apps?q=a&sort=name", "/tasks/1?notice=x", "/a//b"])
def test_own_paths_are_kept(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [None, "", "apps", "//evil.example", "///evil.example", "https://evil.example", "/\\evil.example", "\\\\evil",
     "/\nSet-Cookie: a", "/\t/evil.example", "javascript:alert(1)", " /apps", "/apps\0"],
)  # fmt: skip
def test_other_places_are_not(elsewhere: str | None) -> None:
    assert own_path(elsewhere) == "/"


def test_only_https_links_and_own_pictures_get_into_a_page() -> None:
    assert store_link("https://play.google.com/store/apps/details?id=a.b") is not None
    assert [store_link(url) for url in (None, "", "javascript:alert(1)", "http://a", "data:text/html,a")] == [None] * 5
    assert own_image("/api/v1/apps/1/icon") is not None
    assert [own_image(url) for url in (None, "", "//evil.example/a", "https://evil.example/a")] == [None] * 4


def test_no_text_is_in_two_parts() -> None:
    assert sum(len(part.TEXTS) for part in PARTS) == len(ENGLISH)
