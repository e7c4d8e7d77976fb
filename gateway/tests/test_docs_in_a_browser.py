"""Swagger UI as a person uses it: under the page's policy, from this machine, with a sign-in that works."""

import shutil
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import ConsoleMessage, Page, Request, async_playwright
from running_gateway import Gateway, reply
from starlette.types import Receive, Scope, Send
from test_contract import service_document

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the docs page is not tried in a browser"),
]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await browser.new_page()
        await browser.close()


async def test_signing_in_and_calling_the_api_by_hand(gateway: Gateway, page: Page) -> None:
    complaints: list[str] = []
    elsewhere: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def requested(request: Request) -> None:
        if not request.url.startswith((f"http://127.0.0.1:{gateway.port}/", "data:")):
            elsewhere.append(request.url)

    async def sign_in(scope: Scope, receive: Receive, send: Send) -> None:
        form = dict(httpx.QueryParams((await receive())["body"]))
        known = (form.get("username"), form.get("password")) == ("a@b.example", "a good password")
        body = b'{"access_token":"the-token","token_type":"bearer","expires_in":600}' if known else b"{}"
        await reply(send, body, status=200 if known else 401)

    gateway.auth.answer = sign_in
    gateway.catalog.documents["/openapi.json"] = service_document("catalog_service", "/api/v1/apps/{app_id}")
    page.on("console", heard)
    page.on("request", requested)

    await page.goto(f"http://127.0.0.1:{gateway.port}/docs")
    await page.click("button.authorize")
    await page.fill("#oauth_username", "a@b.example")
    await page.fill("#oauth_password", "a good password")
    await page.click(".auth-container .modal-btn.authorize")
    await page.click(".auth-container .btn-done")

    await page.reload()  # the sign-in is kept
    await page.click("#operations-catalog-catalog_read")
    await page.fill("#operations-catalog-catalog_read input", "7")
    await page.click("#operations-catalog-catalog_read button.execute")
    await page.wait_for_selector("#operations-catalog-catalog_read .live-responses-table .response-col_status")

    asked = gateway.catalog.asked[-1]
    assert asked.target == "/api/v1/apps/7"
    assert asked.all("authorization") == ["Bearer the-token"]
    assert elsewhere == []
    assert complaints == []
