"""Whose address the platform sees when the pages call the API for somebody."""

import re
import sys

import httpx
import pytest
from running_platform import REVIEWER, Account, Platform

from local_stack.parts import WEB_CALLS_FROM

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8"),
]
SOMEBODY = {"X-Forwarded-For": "203.0.113.9"}


def network_of_newest_session(client: httpx.Client) -> str:
    sessions = client.get("/api/v1/users/me/sessions").json()["items"]
    newest = max(sessions, key=lambda session: session["created_at"])
    return str(newest["network"])


def sign_in(client: httpx.Client, headers: dict[str, str]) -> None:
    body = {"email": REVIEWER[0], "password": REVIEWER[1]}
    answer = client.post("/api/v1/auth/login", json=body, headers=headers)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def test_only_the_pages_are_believed(platform: Platform) -> None:
    for calls_from, network in ((WEB_CALLS_FROM, "203.0.113.9"), ("127.0.0.1", "127.0.0.1")):
        with httpx.Client(base_url=platform.url, transport=httpx.HTTPTransport(local_address=calls_from)) as client:
            sign_in(client, SOMEBODY)
            assert network_of_newest_session(client) == network


def test_who_signs_in_through_the_pages_is_seen_as_oneself(platform: Platform, reviewer: Account) -> None:
    with httpx.Client(base_url=platform.url, headers={"Origin": platform.url}) as browser:
        form = browser.get("/login").text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        fields |= {"email": REVIEWER[0], "password": REVIEWER[1]}
        assert browser.post("/login", data=fields).status_code == 303
    assert network_of_newest_session(reviewer.http) == "127.0.0.1"  # and not the address of the pages
