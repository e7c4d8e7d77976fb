"""The browser of all journeys."""

from collections.abc import Iterator

import pytest
from page_browser import Opener, chromium
from playwright.sync_api import Browser
from running_platform import Platform, phone_screenshot


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, platform: Platform) -> Iterator[Opener]:
    opener = Opener(browser, platform.url)
    yield opener
    opener.close()


@pytest.fixture
def screenshot() -> bytes:
    """A real PNG of a phone's size."""
    return phone_screenshot("installed")
