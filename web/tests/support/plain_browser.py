"""A browser without script, as far as the tests need one: cookies, links, and forms as the page has them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

import httpx
from api_for_pages import PASSWORD
from fastapi import FastAPI

ORIGIN = "https://appraise.test"


async def until(check: Callable[[], object]) -> None:
    """Let the application work until ``check`` holds."""
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - what is waited for happens in the application, not here
            await asyncio.sleep(0.01)


@dataclass
class FoundForm:
    """A form with what it would send untouched."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


@dataclass
class FoundTag:
    """An element's name and attributes."""

    name: str
    attributes: dict[str, str]


class Page(HTMLParser):
    """What a page says and offers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.text = ""
        self.tags: list[FoundTag] = []
        self.forms: list[FoundForm] = []
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(FoundTag(tag, given))
        if tag == "form":
            self.forms.append(FoundForm(given.get("action", ""), given.get("method", "get")))
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") not in {"radio", "checkbox", "file"} or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self.forms[-1].fields[self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")
        self.text += data

    def form(self, action: str) -> FoundForm:
        """The form that goes to ``action``."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form to {action}: {[form.action for form in self.forms]}"
        return found[-1]


class Browser:
    """Walks through the pages of one application with one cookie jar."""

    def __init__(self, app: FastAPI) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Accept": accept})

    @property
    def cookie(self) -> str | None:
        """The value of the site's cookie."""
        return self.http.cookies.get("__Host-appraise")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Type an address."""
        return await self.http.get(path, headers={"Sec-Fetch-Site": "none", **headers})

    async def page(self, path: str) -> Page:
        """Open a page that has to be there."""
        answer = await self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return Page(answer.text)

    async def post(self, path: str, fields: dict[str, str], **extra: Any) -> httpx.Response:
        """Send a form from a page of the site itself."""
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", **extra.pop("headers", {})}
        return await self.http.post(path, data=fields, headers=headers, **extra)

    async def submit(self, path: str, action: str, **typed: str) -> httpx.Response:
        """Open a page, fill its form in, and send it."""
        form = (await self.page(path)).form(action)
        return await self.post(action, {**form.fields, **typed}, headers={"Referer": f"{ORIGIN}{path}"})

    async def follow(self, answer: httpx.Response) -> Page:
        """Go where the answer leads."""
        assert answer.status_code == 303, (answer.status_code, Page(answer.text).text)
        return await self.page(answer.headers["location"])

    async def sign_in(self, email: str = "ada@example.org") -> Self:
        """Through the form, as people do."""
        answer = await self.submit("/login", "/login", email=email, password=PASSWORD)
        assert answer.status_code == 303, Page(answer.text).text
        return self
