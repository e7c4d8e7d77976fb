"""Headless Chromium for the tests of the pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKS = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the pages are not driven in a browser"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]

PATIENCE_MS = 60_000  # of every click and expectation: it only ends a test that has failed

expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The browser of this machine."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield running
        running.close()


class Opener:
    """Opens one browser profile for each person, and notes any error in a page's console."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def __call__(self, path: str = "/", *, scripts: bool = True, width: int = 1280, **options: Any) -> Page:
        context = self._browser.new_context(
            base_url=self._url, java_script_enabled=scripts, viewport={"width": width, "height": 800}, **options
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.goto(path)
        self._contexts.append(context)
        return page

    def close(self) -> None:
        """Close every profile."""
        for context in self._contexts:
            context.close()


def give_password(page: Page, address: str, password: str) -> None:
    """What signing in begins with; an account with a second factor is then asked for a code."""
    page.goto("/login")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def sign_in(page: Page, address: str, password: str) -> None:
    """Through the form, as people do."""
    give_password(page, address, password)
    expect(page.locator("header .avatar")).to_be_visible()


def sign_out(page: Page) -> None:
    """Through the menu."""
    page.locator("header .menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
