"""What holds for every page: accessible in light and dark, small, and within the screen."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from page_browser import MARKS, Opener, sign_in
from pages_world import PARTS, EveryPage, World, make_world
from playwright.sync_api import Browser, Page
from running_platform import Platform

pytestmark = MARKS
# WCAG 2.2 AA, and what axe-core holds for good practice.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
SIZE_LIMIT = 100_000
# A page and all that it loads, not compressed; what the browser has kept counts as well.
BYTES = """
    ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
        .reduce((sum, entry) => sum + entry.decodedBodySize, 0)
"""
WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def world(platform: Platform) -> World:
    return make_world(platform)


@pytest.fixture(scope="module")
def pages(world: World) -> list[EveryPage]:
    return [page for part in PARTS for page in part(world)]


@pytest.fixture(scope="module")
def every_browser(browser: Browser, platform: Platform) -> Iterator[Opener]:
    opener = Opener(browser, platform.url)
    yield opener
    opener.close()


def _through(
    pages: list[EveryPage], world: World, opener: Opener, scheme: str = "light"
) -> Iterator[tuple[EveryPage, Page]]:
    """Each page, opened by those whose it is."""
    for who in sorted({page.who for page in pages}):
        tab = opener(color_scheme=scheme)
        if who in world.people:
            sign_in(tab, *world.people[who])
        for page in pages:
            if page.who == who:
                page.open(tab)
                yield page, tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(world: World, pages: list[EveryPage], every_browser: Opener, scheme: str) -> None:
    axe, found = Axe(), []
    for page, tab in _through(pages, world, every_browser, scheme):
        for rule in axe.run(tab, options=RULES).response["violations"]:
            found += [(page.name, rule["id"], node["target"], node["failureSummary"]) for node in rule["nodes"]]
    assert found == []


def test_every_page_is_small_and_fits_the_screen(world: World, pages: list[EveryPage], every_browser: Opener) -> None:
    sizes: dict[str, int] = {}
    wide: list[tuple[str, int]] = []
    for page, tab in _through(pages, world, every_browser):
        sizes[page.name] = tab.evaluate(BYTES)
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 800})
            if tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wide.append((page.name, width))
    assert min(sizes.values()) > 20_000  # the style sheets at the least
    assert len(sizes) == len(pages)
    assert {name: size for name, size in sizes.items() if size >= SIZE_LIMIT} == {}
    assert wide == []
